"""`make bench`: every part, one after the other. Each prints its tables and puts them into docs/benchmarks.md."""

from tests.bench import hand_over, host_page


def main() -> None:
    host_page.main()
    hand_over.main()


if __name__ == "__main__":
    main()
