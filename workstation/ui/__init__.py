"""The window: thin over ``workstation.app``. The only room that knows Qt."""
