"""python -m core COMMAND."""

try:
    from core.cli.main import main
except KeyboardInterrupt:  # nothing has begun
    raise SystemExit(130) from None

if __name__ == "__main__":
    raise SystemExit(main())
