"""The time one decision takes in Habitue and in what a shop would take instead, in one run."""
