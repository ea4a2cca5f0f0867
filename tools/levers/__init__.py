"""The registry of knobs: which settings of the engine can be changed, what they mean, and their side effects."""

from bankable.tools.levers.fields import FieldClass, classify_field, find_explained, server_arguments
from bankable.tools.levers.model import Device, DroppedKnob, Knob, Situation, Touches
from bankable.tools.levers.registry import ALL_KNOBS, knob, knobs_for

__all__ = [
    "ALL_KNOBS",
    "Device",
    "DroppedKnob",
    "FieldClass",
    "Knob",
    "Situation",
    "Touches",
    "classify_field",
    "find_explained",
    "knob",
    "knobs_for",
    "server_arguments",
]
