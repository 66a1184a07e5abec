"""What is in deploy/ works: checked by the programs it is for, and one of them in front of a real server."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests
import yaml
from compose_spec import PyCompose

from ringback.sandbox.samespace import SandboxSamespace
from tests.running import ROOT, free_port, production
from tests.server import nginx

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def needs(program: str, package: str) -> pytest.MarkDecorator:
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin:/bin:/sbin")
    return pytest.mark.skipif(found is None, reason=f"not checked without {program}: apt-get install {package}")


@needs("systemd-analyze", "systemd")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_is_exposed_no_more_than_it_has_to_be(unit: Path) -> None:
    told = run("systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit))
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", told)

    assert float(exposure) <= 2.0


@needs("promtool", "prometheus")
def test_the_rules_for_prometheus_are_sound_and_say_what_they_should() -> None:
    run("promtool", "check", "rules", "deploy/prometheus/rules.yml")
    run("promtool", "test", "rules", "deploy/prometheus/rules_test.yml")


def metrics_in(text: str) -> set[str]:
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bringback_[a-z_]+\b", text)}


def test_rules_and_dashboard_ask_for_metrics_that_there_are_and_each_alert_is_explained() -> None:
    told = (ROOT / "docs/monitoring.md").read_text()
    there = metrics_in(told)
    rules = (DEPLOY / "prometheus/rules.yml").read_text()
    dashboard = json.loads((DEPLOY / "grafana/ringback.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]

    assert metrics_in(rules) <= there
    assert len(queries) >= 8
    assert metrics_in(" ".join(queries)) <= there
    assert [name for name in re.findall(r"alert: (\w+)", rules) if f"`{name}`" not in told] == []


@needs("caddy", "caddy")
def test_the_configuration_of_caddy_is_valid() -> None:
    assert "Valid configuration" in run(
        "caddy", "validate", "--config", "deploy/Caddyfile", "--adapter", "caddyfile"
    )


def test_every_setting_of_the_compose_file_is_one_and_services_wait_for_each_other() -> None:
    from ringback.config.environment import VARIABLES

    text = (DEPLOY / "compose.yaml").read_text()
    (block,) = re.findall(r"environment: &environment\n((?:    \w+:.*\n)+)", text)
    given = set(re.findall(r"^    (\w+):", block, re.MULTILINE))

    assert given <= {variable for variable, _, _ in VARIABLES}
    assert text.count("service_healthy") == 3


def test_the_compose_file_is_one_by_its_specification() -> None:
    read = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    assert len(PyCompose.from_json(json.dumps(read)).services) == 5
    with pytest.raises(ValueError, match="read_olny"):
        PyCompose.from_json(json.dumps(read | {"services": {"web": {"image": "ringback", "read_olny": True}}}))


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert run(str(ROOT / ".venv/bin/hadolint"), "deploy/Dockerfile") == ""


def test_the_image_holds_what_runs_and_the_context_nothing_else() -> None:
    text, ignored = (DEPLOY / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text()
    copied = set(re.findall(r"(?m)^COPY (?!--)(.+) \S+$", text))
    names = {name for line in copied for name in line.split()}
    final = text[text.rindex("\nFROM ") :]

    assert [name for name in names if not (ROOT / name).exists()] == []
    assert names == set(re.findall(r"(?m)^!(.+)$", ignored))
    assert names >= {"app.py", "gunicorn.conf.py", "ringback", "templates", "static", "translations"}
    assert re.search(r"(?m)^USER \d+$", final)
    assert not re.search(r"(?m)^RUN ", final), "it has no shell"


@needs("nginx", "nginx")
def test_behind_nginx_a_request_is_made_and_without_the_host_the_log_says_what_mends_it(
    tmp_path: Path, samespace: SandboxSamespace
) -> None:
    front = free_port()
    settings = {"PUBLIC_URL": f"http://localhost:{front}", "TRUSTED_PROXIES": "1", "BIND": "127.0.0.1"}
    server = production(tmp_path, samespace.base_url, RINGBACK_DELIVERY="worker", LOG_FORMAT="json", **settings)
    server.start()
    address = f"http://localhost:{front}/sales"
    try:
        with nginx.proxied(tmp_path, front, server.port), requests.Session() as visitor:
            form = visitor.get(address)
            (token,) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
            answers = {"csrf_token": token, "name": "Ann", "phone": "020 7946 0123"}
            sent = visitor.post(address, answers, headers={"Origin": f"http://localhost:{front}"})
            assert sent.history[0].status_code == 303
            assert sent.status_code == 200
            assert visitor.get(f"http://127.0.0.1:{front}/metrics").status_code == 404
        with nginx.proxied(tmp_path, front, server.port, without="proxy_set_header Host"):
            assert requests.get(address).status_code == 400
    finally:
        server.stop()

    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    (received,) = [line for line in lines if line["message"].endswith(": received")]
    assert re.fullmatch("[0-9a-f]{16}", received["request_id"])
    assert any("proxy_set_header Host" in line["message"] for line in lines)
