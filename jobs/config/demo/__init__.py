"""An example that lives: four kinds of real work, two queues, and a private SSH server on this machine."""
