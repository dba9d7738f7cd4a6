"""What staff may change: applications, attributes, costs, campaigns, rules, coupons and keys.

Each verb refreshes the configuration, decides upon it with pure functions and saves the outcome
guarded by the version that it was decided upon (`settle`). A refused verb has stored nothing.
"""
