"""An event schedules a temporary task: an order that is not paid in time is cancelled."""

from datetime import timedelta

from django.db.models.signals import post_save
from django.dispatch import receiver

from beatsync.dynamic import schedules

from .models import Order

PAYMENT_TIME = timedelta(seconds=10)  # so short that you see it happen
KEEP_FOR = timedelta(seconds=10)  # how long its row is kept after it ran; by default 7 days
clean_ups = schedules("order-clean-ups")


@receiver(post_save, sender=Order)
def clean_up_unless_paid(instance, created, **kwargs):
    if created:
        clean_ups.once(
            f"unpaid-{instance.pk}",
            task="shop.tasks.cancel_unpaid",
            after=PAYMENT_TIME,
            keep_for=KEEP_FOR,
            args=[instance.pk],
        )
