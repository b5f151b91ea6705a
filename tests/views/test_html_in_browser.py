"""The HTML report in a real browser: what a person does with it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from browsers import OpenedPage, chromium
from core import PROFILE
from html_pages import BY_ANNA, GROUPS, NARROWED, NOT_KNOWN, RULE, change, fleet, large, made, page
from playwright.sync_api import Browser, expect

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import Unreachable
from ringfence.model.state import Change, id_of
from ringfence.report import HostResult
from ringfence.views import html_report

pytestmark = pytest.mark.browser
Open = Callable[..., OpenedPage]
WARNING = Diagnostic(Where("site.yml", 3), "the group test has no hosts", severity="warning")
DRIFT = page(fleet(), "drift", [WARNING], groups=GROUPS)
APPLY = page(fleet(wrote=True), "apply", groups=GROUPS)
ITEMS = "#app section:last-child .items > li > .item"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens pages; whatever a test does with them, the browser has nothing to complain about and nothing was asked of anybody."""
    pages: list[OpenedPage] = []

    def open_page(text: str, fragment: str = "", **context: Any) -> OpenedPage:
        pages.append(OpenedPage(browser, tmp_path / f"{len(pages)}.html", text, fragment, **context))
        return pages[-1]

    yield open_page
    for one in pages:
        assert one.complaints == []
        assert [url for url in one.requests if not url.startswith("file:")] == []
        one.context.close()


def test_it_shows_what_differs_under_the_hosts_that_it_is_on(opened: Open) -> None:
    one = opened(DRIFT)
    assert one.texts("#app h3") == ["4 hosts: pc1, web1, web2, web3 · 1 object", "web (3 hosts: web1, web2, web3) · 1 object",
                                    "3 hosts: db1, pc1, web3 · 1 object", "web3 · 1 object"]
    first = one.texts(ITEMS)[0]
    assert first.startswith("≠ DIFFERS firewall_rule base-rdp Remote Desktop for admins allow inbound tcp 3389 from ANY")
    assert "remote_address is ANY, declared 10.1.4.0/28" in first
    assert one.texts("#app .open") == ["from ANY", "from ANY"]
    assert not one.page.locator("#plain").is_visible()


def test_a_kind_without_words_for_what_it_does_shows_what_differs(opened: Open) -> None:
    off, on = (PROFILE.create("public", {"enabled": on}) for on in (False, True))
    one = opened(page([HostResult("pc1", (change(off, on),))], "drift"))
    assert one.texts(ITEMS) == ["≠ DIFFERS firewall_profile public enabled is false, declared true playbooks/base.yml:8"]


FILTERS = [  # what is chosen, and how many objects and hosts stay
    ("q", "rdp", 1, 5), ("q", "10.1.7.0", 1, 3), ("q", "backup web3", 1, 1), ("q", "base.yml telnet", 1, 1),
    ("q", "ports of web2", 1, 1), ("q", "nothing like it", 0, 0), ("host", "web", 4, 3), ("group", "db", 1, 2),
    ("action", "UNEXPECTED", 1, 1), ("status", "unreachable", 0, 1), ("wide", "yes", 2, 4)
]


def test_filters(opened: Open) -> None:
    one = opened(DRIFT)
    for control, value, objects, hosts in FILTERS:
        one.page.get_by_role("button", name="Changes", exact=True).click()
        field = one.page.locator(f"[name={control}]")
        if control in ("q", "host"):
            field.fill(value)
        elif control == "wide":
            field.check()
        else:
            field.select_option(value)
        counted = f"{objects} object{'' if objects == 1 else 's'} of 4, {hosts} host{'' if hosts == 1 else 's'} of 8"
        expect(one.page.locator(".count")).to_contain_text(counted)
        assert one.page.locator(ITEMS).count() == objects, (control, value)
        one.page.get_by_role("button", name="Hosts", exact=True).click()
        assert one.page.locator(ITEMS).count() == hosts, (control, value)
        one.page.get_by_role("button", name="Clear filter").click()
        assert one.page.locator(ITEMS).count() == 8, (control, value)


def test_the_address_names_what_is_seen_and_shows_it_again(opened: Open) -> None:
    one = opened(DRIFT)
    one.page.locator("[name=q]").fill("backup")
    one.page.locator("[name=group]").select_option("web")
    expect(one.page.locator(ITEMS)).to_have_count(1)
    one.page.locator(ITEMS).first.click()
    assert one.fragment == "q=backup&group=web&open=firewall_rule%2F%2Fbase-backup%2FMISSING"
    again = opened(DRIFT, one.fragment)
    assert again.page.locator("[name=q]").input_value() == "backup"
    assert again.page.locator("[name=group]").input_value() == "web"
    assert [text.split()[3] for text in again.texts(ITEMS)] == ["base-backup"]
    assert "10.1.7.0/28" in again.texts("#app .detail")[0]
    again.page.evaluate("location.hash = 'view=hosts&status=unreachable'")
    expect(again.page.locator(ITEMS)).to_have_count(1)
    assert again.texts(ITEMS)[0].startswith("⊘ unreachable pc10 pc connection timed out")
    nonsense = opened(DRIFT, "view=nowhere&by=%F0%9F&group=gone&open=x&more")
    assert nonsense.texts(".count") == ["0 objects of 4, 0 hosts of 8 match the filter"]


def test_the_details_of_a_change(opened: Open) -> None:
    one = opened(DRIFT)
    one.page.locator(ITEMS).first.click()
    (detail,) = one.texts("#app .detail")
    for part in ("found allow inbound tcp 3389 from ANY, any profile",
                 "declared allow inbound tcp 3389 from 10.1.4.0/28, any profile", "declared at playbooks/base.yml:8",
                 "task base › RDP for admins", "tags rdp", "whose it is this project",
                 "property found declared remote_address ANY 10.1.4.0/28", "On 4 hosts pc1 web1 web2 web3"):
        assert part in detail
    one.page.locator(ITEMS).nth(1).click()
    detail = one.texts("#app .detail")[1]
    assert "Not the same everywhere: 3 variants hosts description web1 Web ports of web1 web2 Web ports of web2" in detail
    one.page.get_by_role("button", name="web2", exact=True).last.click()
    assert one.page.locator(ITEMS).first.get_attribute("aria-expanded") == "true"
    assert "host=web2" in one.fragment


def test_who_changed_it_stands_in_the_details(opened: Open) -> None:
    results = fleet()
    of = {"web1": {NARROWED.id: BY_ANNA}, "web2": {NARROWED.id: BY_ANNA}, "pc1": {c.id: NOT_KNOWN for c in results[5].changes}}
    one = opened(page([replace(r, changed_by=of.get(r.host)) for r in results], "drift"), "q=rdp")
    one.page.locator(ITEMS).first.click()
    (detail,) = one.texts("#app .detail")
    assert ("Who changed it pc1: not known: the log does not reach back so far web1, web2: changed 2026-11-25 09:03:01Z by "
            r"CORP\anna with C:\Windows\System32\mmc.exe (event 2006)") in detail


def test_the_details_of_a_host(opened: Open) -> None:
    one = opened(APPLY, "view=hosts")
    assert one.texts(ITEMS)[1] == ("! not in force db2 db Group Policy has local rules ignored in the profile domain "
                                   "23 declared · 0.3 s")
    expected = {"pc1": ["connection reset by peer", "Remove-NetFirewallRule -Name base-backup", "? made, and not proven"],
                "web3": ["the host refused a change: parameter is incorrect",
                         "! warning playbooks/base.yml:8 the port 3389 is open", "What still differs: 1", "✗ not made"],
                "db2": ["! not in force in domain: Group Policy has local rules ignored", "→ Allow them in that policy"],
                "pc10": ["connection timed out: 10.0.0.10:5986", "→ Check routing"],
                "pc2": ["3 objects there that nobody declares"]}
    for host, parts in expected.items():
        one.page.locator(f'[data-key="host/{host}"]').click()
        detail = one.page.locator(f'li:has(> [data-key="host/{host}"]) > .detail')
        for nested in detail.locator(".item").all():
            nested.click()
        text = " ".join(detail.inner_text().split())
        for part in parts:
            assert part in text, f"{host}: {part} is not in {text}"


def test_what_went_wrong_is_told_once_for_all_its_hosts(opened: Open) -> None:
    results = fleet()
    away = replace(results[6], host="pc11", error=Unreachable("timeout", "10.0.0.11:5986"))
    one = opened(page([*results, away], "drift", groups=GROUPS))
    troubles = one.page.locator("#app section:first-child .items > li > .item")
    assert [" ".join(t.split()) for t in troubles.all_inner_texts()] == [
        "! not in force Group Policy has local rules ignored in the profile domain firewall_rule base-rdp (playbooks/base.yml:8) "
        "db2",
        "⊘ unreachable connection timed out pc10, pc11"]
    troubles.last.click()
    (detail,) = one.texts("#app section:first-child .detail")
    assert detail == ("→ Check routing and firewalls on the way, or raise ansible_timeout "
                      "pc10 10.0.0.10:5986 pc11 10.0.0.11:5986 On 2 hosts pc10 pc11")


def test_the_table_of_objects_and_hosts_by_keyboard(opened: Open) -> None:
    one = opened(APPLY, "view=table")
    grid = one.page.get_by_role("grid")
    assert (grid.get_attribute("aria-rowcount"), grid.get_attribute("aria-colcount")) == ("5", "7")
    assert one.texts("#app .grid .column") == ["db1", "pc1", "pc10", "web1", "web2", "web3"]
    one.page.locator(".grid [tabindex='0']").focus()
    said = []
    for key in ("ArrowRight", "ArrowDown", "End", "Home", "Control+End", "Control+Home", "ArrowUp"):
        one.page.keyboard.press(key)
        said.append(str(one.page.evaluate("document.activeElement.getAttribute('aria-label')")))
    assert said == ["web-site, pc1: nothing", "base-rdp, pc1: update, made", "base-rdp, web3: update, made",
                    "base-rdp, db1: nothing", "old-telnet, web3: remove, not made",
                    "web-site, db1: nothing", "web-site, db1: nothing"]
    one.page.keyboard.press("Control+End")
    one.page.keyboard.press("Enter")
    assert one.fragment == "host=web3&open=firewall_rule%2F%2Fold-telnet%2Fremove"
    assert "of somebody else, and declared absent" in one.texts("#app .detail")[0]


def test_the_table_by_groups_counts_hosts(opened: Open) -> None:
    one = opened(DRIFT, "view=table&columns=groups")
    assert one.texts("#app .grid .column") == ["web", "db", "pc"]
    label = one.page.locator(".grid [data-at='1 0']").get_attribute("aria-label")
    assert label == "base-rdp, web: DIFFERS on 3 of 3 hosts"
    one.page.locator(".grid [data-at='1 0']").click()
    assert "group=web" in one.fragment


def test_of_a_large_table_only_what_is_seen_is_made(opened: Open) -> None:
    one = opened(page(large(120, 80, 1)), "view=table")
    cells = one.page.locator(".grid .cell")
    assert cells.count() < 3_000
    assert one.page.locator(".grid [data-at='79 119']").count() == 0
    one.page.locator(".grid [tabindex='0']").focus()
    one.page.keyboard.press("Control+End")
    assert one.page.evaluate("document.activeElement.getAttribute('aria-label')") == "corp-079, srv0119: create"
    assert one.page.locator(".grid [data-at='79 119']").is_visible()
    assert cells.count() < 3_000


def test_long_lists_come_in_parts(opened: Open) -> None:
    one = opened(page(large(3, 450, 0)))
    assert one.page.locator(ITEMS).count() == 200
    one.page.get_by_role("button", name="Show 200 more of 450 objects").click()
    assert one.page.locator(ITEMS).count() == 400
    assert one.page.evaluate("document.activeElement.textContent.includes('corp-200')")
    one.page.get_by_role("button", name="Show 50 more of 450 objects").click()
    assert one.page.locator(ITEMS).count() == 450


def test_everything_is_reached_by_keyboard(opened: Open) -> None:
    one = opened(DRIFT)
    for _ in range(20):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("document.activeElement.name") == "q":
            break
    one.page.keyboard.type("rdp")
    expect(one.page.locator(ITEMS)).to_have_count(1)
    for _ in range(12):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("document.activeElement.classList.contains('item')"):
            break
    one.page.keyboard.press("Enter")
    assert len(one.texts("#app .detail")) == 1
    one.page.keyboard.press("Enter")
    assert one.texts("#app .detail") == []


def test_dark_by_the_system_and_by_the_switch(opened: Open) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    dark, light = (opened(DRIFT, color_scheme=scheme).page for scheme in ("dark", "light"))
    assert (dark.evaluate(background), light.evaluate(background)) == ("rgb(20, 23, 28)", "rgb(246, 247, 249)")
    switch = light.get_by_role("button", name="Colours")
    switch.click()
    assert (switch.inner_text(), light.evaluate(background)) == ("● dark", "rgb(20, 23, 28)")
    switch.click()
    assert (switch.inner_text(), light.evaluate(background)) == ("○ light", "rgb(246, 247, 249)")


def test_on_paper_everything_is_open_and_nothing_can_be_pressed(opened: Open) -> None:
    one = opened(APPLY, color_scheme="dark")
    assert len(one.page.pdf()) > 20_000
    one.page.emulate_media(media="print")
    one.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    text = " ".join(one.page.inner_text("body").split())
    for part in ("declared at playbooks/base.yml:85", "Web ports of web3", "Remove-NetFirewallRule -Name base-backup",
                 "→ Allow them in that policy"):
        assert part in text
    assert one.texts(".tools, .controls, .more") == []
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    one.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert one.page.locator("#app .detail:visible").count() == 0


def test_without_javascript_there_are_tables(opened: Open) -> None:
    page_ = opened(APPLY, java_script_enabled=False).page
    text = " ".join(page_.inner_text("body").split())
    for part in ("1 host lost", "✗ lost", "Remove-NetFirewallRule -Name base-backup", "remote_address ANY → 10.1.4.0/28",
                 "from ANY", "not made on web3"):
        assert part in text
    assert page_.locator("#plain table").count() == 5
    assert page_.locator("button:visible, input:visible").count() == 0


def test_a_browser_that_knows_too_little_keeps_the_tables(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context()
    context.add_init_script("delete window.DecompressionStream")
    old = context.new_page()
    (tmp_path / "page.html").write_text(page(large(60, 60, 60)), encoding="utf-8")
    old.goto((tmp_path / "page.html").as_uri())
    expect(old.get_by_role("alert")).to_contain_text("This browser cannot show more than these tables")
    assert old.locator("#plain table").count() == 2
    assert old.get_by_text("corp-059").first.is_visible()
    context.close()


def test_what_does_not_fit_into_the_page_is_told_where_it_is_missed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_report, "MAX_PAGE", 1)
    one = opened(page(large(3, 5, 5)))
    assert "the details of 15 changes are left out" in one.page.inner_text("main")
    one.page.locator(ITEMS).first.click()
    assert one.texts("#app .detail")[0].startswith("The details of 3 variants are left out to keep this page small")
    one.page.locator("[name=q]").fill("corp-003 srv0001")
    expect(one.page.locator(".count")).to_contain_text("1 object of 5, 1 host of 3")


def test_mistakes_alone_are_a_page_too(opened: Open) -> None:
    one = opened(page([], "validate", [Diagnostic(Where("site.yml", 3), "no such property: portt", "did you mean port?")]))
    assert one.texts("main td") == ["✗ error", "site.yml:3", "no such property: portt did you mean port?"]
    assert not one.page.locator("#app").is_visible()


HOSTILE = "</script><img src=x onerror=document.title='run'>\u202etxt.exe<!--"


def test_names_of_strangers_run_nothing(opened: Open) -> None:
    rule = RULE.create(HOSTILE, {"protocol": "tcp", "description": HOSTILE})
    gone = Change(id_of(rule), rule, None, Where(HOSTILE, 2), why=HOSTILE)
    text = page([HostResult(HOSTILE, (gone,), diagnostics=(Diagnostic(Where(HOSTILE), HOSTILE, HOSTILE),), way_back=(HOSTILE,)),
                 HostResult("b")], groups={HOSTILE: [HOSTILE]})
    for view in ("changes", "hosts", "table"):
        one = opened(text, f"view={view}&columns=hosts")
        for item in one.page.locator(ITEMS).all():
            item.click()
        assert one.page.locator("img").count() == 0
        assert "</script><img src=x onerror=" in one.page.inner_text("#app")
        assert "\u202e" not in one.page.content()
        assert one.page.title().startswith("ringfence plan")


def test_nothing_could_be_made_html_of_even_by_mistake(browser: Browser, tmp_path: Path) -> None:
    """Trusted Types refuse it, and the policy runs no handler."""
    one = OpenedPage(browser, tmp_path / "page.html", DRIFT)
    with pytest.raises(Exception, match="TrustedHTML"):
        one.page.evaluate("document.body.innerHTML = '<b>x</b>'")
    with pytest.raises(Exception, match="TrustedScript"):
        one.page.evaluate("document.body.setAttribute('onclick', 'document.title = 1')")
    one.context.close()


@pytest.mark.parametrize(("text", "fragment"), [
    (DRIFT, "open=firewall_rule%2F%2Fweb-site%2FMISSING"), (APPLY, "view=hosts&open=host%2Fpc1"), (APPLY, "view=table"),
    (DRIFT, "view=table&columns=groups"), (DRIFT, "q=nothing")], ids=["changes", "hosts", "table", "groups", "nothing"])
def test_axe_finds_nothing(text: str, fragment: str, opened: Open) -> None:
    one = opened(text, fragment)
    assert axe(one) == []
    one.page.emulate_media(color_scheme="dark")
    assert axe(one, "{runOnly: ['color-contrast']}") == []


def test_axe_finds_nothing_in_what_stands_without_javascript(opened: Open) -> None:
    one = opened(APPLY)
    one.page.evaluate("document.getElementById('app').hidden = true; document.getElementById('plain').hidden = false")
    assert axe(one) == []


def test_axe_would_find_something(opened: Open) -> None:
    one = opened(DRIFT)
    one.page.evaluate("document.querySelector('.tools input').removeAttribute('placeholder');"
                      "document.querySelector('.tools .search').replaceWith(document.querySelector('.tools input'))")
    assert axe(one) == ["label: Form elements must have labels"]


def axe(one: OpenedPage, options: str = "{}") -> list[str]:
    """What axe-core finds, best practices included."""
    if not one.page.evaluate("'axe' in window"):
        one.page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = one.page.evaluate(f"axe.run({options})")
    return [f"{v['id']}: {v['help']}" for v in found["violations"]]


def test_one_object_of_many_hosts_is_found_on_each(opened: Open) -> None:
    """The search looks into what differs per host, and not only at what the first has."""
    one = opened(page(large(40, 5, 2)), "q=srv0037")
    assert one.texts(".count") == ["5 objects of 5, 1 host of 40 shown"]
    one = opened(page([*large(40, 5, 2)]), "q=srv0037%2C")
    assert one.texts(".count") == ["2 objects of 5, 1 host of 40 shown"]
    assert made("x", protocol="tcp") != NARROWED.after
