"""Templates become pages: `Pages.page` for a whole one, `Pages.block` for the part of it that htmx asked for.

Three small sets of macros are there in every template: `ui` (components.html), `icon` (icons.html) and `words`
(words.html: what statuses, permissions and environments are called).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from keywright.web.assets import Assets
from keywright.web.model import IDLE_DAYS, OLD_DAYS, Form
from keywright.web.texts import PSEUDO, SOURCE, Texts, regional

MINUTE_MS = 60_000

BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
"""Words in a user agent and what people call them; the first that fits, because each browser names the later ones too."""


class Pages:
    """Every page, in every language there is. Templates are compiled once a language, when first shown."""

    def __init__(self, assets: Assets, texts: Texts) -> None:
        self.texts = texts
        self._assets = assets
        self._environments: dict[str, Environment] = {}

    def page(self, template: str, *, locale: str = SOURCE, **context: Any) -> str:
        """Return the whole page."""
        return self._environment(locale).get_template(template).render(context)

    def block(self, template: str, block: str, *, locale: str = SOURCE, **context: Any) -> str:
        """Return one named block of a page, alone: what htmx puts in the place of the old one."""
        found = self._environment(locale).get_template(template)
        return "".join(found.blocks[block](found.new_context(context)))

    def _environment(self, locale: str) -> Environment:
        known = self._environments.get(locale)
        if known is None:
            known = self._environments[locale] = _environment(locale, self._assets, self.texts)
        return known


def _environment(locale: str, assets: Assets, texts: Texts) -> Environment:
    """Return where one language's templates are compiled and kept."""
    environment = Environment(
        loader=PackageLoader("keywright.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    translations = texts.of(locale)
    # jinja adds this method when the extension is loaded; no type knows of it
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "moment": partial(moment, locale=locale, said=translations.gettext),
        "day": partial(day, locale=locale, said=translations.gettext),
        "ago": partial(ago, locale=locale, said=translations.gettext),
        "minute": partial(minute, locale=locale),
        "instant": partial(instant, locale=locale),
        "number": partial(number, locale=locale),
        "milliseconds": partial(milliseconds, locale=locale, said=translations.gettext),
        "said": partial(texts.said, locale=locale),
        "worded": partial(texts.worded, locale=locale),
        "agent": partial(agent, said=translations.gettext),
    }
    environment.globals |= {
        "lang": SOURCE if locale == PSEUDO else locale,
        "languages": tuple((code, language_name(code)) for code in texts.locales),
        "asset": assets.url,
        "integrity": assets.integrity,
        "blank": Form(),
        "filled": filled,
        "zip": zip,
        "old_days": OLD_DAYS,
        "idle_days": IDLE_DAYS,
    }
    for name, template in (("icon", "icons.html"), ("words", "words.html"), ("ui", "components.html")):
        module: Any = environment.get_template(template).module
        environment.globals[name] = module.icon if name == "icon" else module
    return environment


def language_name(code: str) -> str:
    """Return what a language calls itself."""
    name = Locale.parse(code, sep="-" if "-" in code else "_").get_display_name(code) or code
    return name[:1].upper() + name[1:]


def filled(**values: str) -> Form:
    """Return a form that holds what is so now, ready to be changed."""
    return Form(values=values)


def moment(at: int, *, locale: str, said: Any) -> Markup:
    """Return when this was, to the minute, in UTC and saying so."""
    return _time(at, _in_words(at, locale=locale, said=said))


def day(at: int, *, locale: str, said: Any) -> Markup:
    """Return the day this was on, in UTC; the moment itself shows when pointed at."""
    words = format_date(_utc(at), "medium", locale=regional(locale))
    return _time(at, words, title=_in_words(at, locale=locale, said=said))


def ago(at: int, now: int, *, locale: str, said: Any) -> Markup:
    """Return how long before or after `now` this is, in words; the moment itself shows when pointed at."""
    if abs(now - at) < MINUTE_MS:
        words = said("just now")
    else:
        span = timedelta(milliseconds=at - now)
        words = format_timedelta(span, granularity="minute", add_direction=True, locale=regional(locale))
    return _time(at, words, title=_in_words(at, locale=locale, said=said))


def instant(at: int, *, locale: str, year: bool = False) -> Markup:
    """Return when this was, to the second, in UTC; the exact moment shows when pointed at."""
    moment_, exact = _utc(at), f"{at % 1000:03}Z"
    words = f"{format_skeleton('yMMMd' if year else 'MMMd', moment_, locale=regional(locale))}, {moment_:%H:%M:%S}"
    iso = f"{moment_:%Y-%m-%dT%H:%M:%S}.{exact}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso, iso.replace("T", " ").replace("Z", " UTC"), words
    )


def minute(at: int, *, locale: str) -> Markup:
    """Return day and minute, in UTC: for tables that are long and say so above."""
    words = f"{format_skeleton('MMMd', _utc(at), locale=regional(locale))}, {_utc(at):%H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(f"{_utc(at):%Y-%m-%dT%H:%MZ}", words)


def milliseconds(value: float, *, locale: str, said: Any) -> str:
    """Return a duration: with a decimal where it is short."""
    text = format_decimal(value, format="#,##0.0" if value < 10 else "#,##0", locale=regional(locale))
    return str(said("%(number)s ms") % {"number": text})


def number(value: int, *, locale: str) -> str:
    """Return the number as it is written in this language."""
    return format_decimal(value, locale=regional(locale))


def agent(user_agent: str, *, said: Any) -> str:
    """Return a browser and its system as people call them; an unknown one is called that."""
    browser = _first(BROWSERS, user_agent) or said("Unknown browser")
    system = _first(SYSTEMS, user_agent)
    return str(said("%(browser)s on %(system)s") % {"browser": browser, "system": system}) if system else browser


def _first(known: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for word, name in known if word in text), "")


def _in_words(at: int, *, locale: str, said: Any) -> str:
    moment_ = _utc(at)
    parts: Mapping[str, str] = {
        "date": format_date(moment_, "medium", locale=regional(locale)),
        "time": format_time(moment_, "short", locale=regional(locale)),
    }
    return str(said("%(date)s, %(time)s UTC") % parts)


def _time(at: int, words: str, *, title: str = "") -> Markup:
    iso = _utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")
    hover = Markup(' title="{}"').format(title) if title else Markup()
    return Markup('<time datetime="{}"{}>{}</time>').format(iso, hover, words)


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, tz=UTC)
