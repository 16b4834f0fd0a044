"""The tasks of the shop; each prints that it ran."""

from celery import shared_task


def say(text):
    print(f"ran: {text}", flush=True)


@shared_task
def heartbeat():
    say("heartbeat")


@shared_task
def generate_invoices(*, dry_run=False, currency="EUR"):
    say(f"invoices in {currency}, dry run: {dry_run}")


@shared_task
def poll_orders(shop_id, *, api_token=None):
    say(f"orders of shop {shop_id}, {'with' if api_token else 'without'} a token")


@shared_task
def refresh_prices():
    say("prices")


@shared_task
def open_shutters(floor):
    say(f"shutters of floor {floor}")


@shared_task
def announce(text):
    say(f"announcement: {text}")


@shared_task
def clean_up():
    say("clean-up")


@shared_task
def report(customer):
    say(f"report of customer {customer}")


@shared_task
def cancel_unpaid(order):
    from .models import Order

    # It may have been paid after this task was sent.
    cancelled = Order.objects.filter(pk=order, is_paid=False).update(is_cancelled=True)
    say(f"order {order} {'cancelled' if cancelled else 'was paid'}")
