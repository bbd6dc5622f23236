"""The whole product without a screen: the use-cases, the lanes and the events."""
