"""Two pages: a user sets the time of a report, and orders something.

The example has no login: a real view takes the customer from `request.user`.
"""

from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from beatsync.dynamic import schedules

from .forms import ReportForm
from .models import Order
from .signals import clean_ups

reports = schedules("user-reports")


def report(request, customer):
    name = f"report-{customer}"
    stored = reports.get(name)
    form = ReportForm(request.POST or None, initial={"when": stored.spec.schedule} if stored else None)
    if form.is_valid():
        reports.put(name, task="shop.tasks.report", args=[customer], **form.cleaned_data["when"].fields)
        return redirect("report", customer)
    return render(request, "shop/report.html", {"form": form, "customer": customer})


def orders(request):
    if request.method == "POST":
        with transaction.atomic():  # the order and its clean-up are saved together, or not at all
            Order.objects.create()
        return redirect("orders")
    return render(request, "shop/orders.html", {"orders": Order.objects.order_by("-pk")})


@require_POST
def pay(request, pk):
    with transaction.atomic():
        if Order.objects.filter(pk=pk, is_cancelled=False).update(is_paid=True):
            clean_ups.remove(f"unpaid-{pk}")
    return redirect("orders")
