"""What a visitor downloads for the form, by the bytes that are served."""

import pytest
from playwright.sync_api import Browser, Response

from tests.browser.journeys import Company

KB = 1024
TOTAL = 10 * KB
BUDGETS = {"document": 4 * KB, "stylesheet": 4 * KB, "script": 2 * KB}


def compressed(response: Response) -> int:
    assert response.headers["content-encoding"] == "gzip"
    return response.request.sizes()["responseBodySize"]


@pytest.mark.parametrize("query", ["", "?embed=1"], ids=["alone", "in a frame"])
def test_the_form_is_ten_kilobytes_in_three_requests_all_of_them_ours(
    browser: Browser, company: Company, query: str
) -> None:
    requests = 3
    page = browser.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(company.form_url + query, wait_until="networkidle")
    sizes = dict.fromkeys(BUDGETS, 0)
    for answer in answers:
        if not answer.url.partition("?")[0].endswith("/icon.svg"):  # asked for when the page is there
            sizes[answer.request.resource_type] += compressed(answer)
            requests -= 1
    page.close()

    assert requests >= 0, [answer.url for answer in answers]
    assert all(answer.url.startswith(company.ringback.url) for answer in answers)
    assert [kind for kind, size in sizes.items() if size > BUDGETS[kind]] == [], sizes
    assert sum(sizes.values()) <= TOTAL, sizes


def test_nothing_moves_while_the_form_comes(browser: Browser, company: Company) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.add_init_script(
        "window.shifts = []; new PerformanceObserver((list) => shifts.push(...list.getEntries()))"
        ".observe({ type: 'layout-shift', buffered: true })"
    )
    page.goto(company.form_url, wait_until="networkidle")

    assert page.evaluate("() => shifts.map((shift) => shift.value)") == []
    page.close()
