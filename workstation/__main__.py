"""``python -m workstation`` is the ``workstation`` command."""

from workstation.cli.main import run

if __name__ == "__main__":
    run()
