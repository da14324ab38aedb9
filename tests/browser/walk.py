"""A help page carried out: its steps are read off the page, and each is done by the words that it names.

What a step says to press or fill in is found by the text that the step gives for it, in the page's own language. A name
that the console does not use is therefore found out, in whichever language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from tests.browser.place import Running
from tests.browser.shortcut import Account
from tests.doubles.kucoin import KucoinDouble
from tests.support.server import Values

READ = """() => {
  const words = (one) => one
    ? [...one.querySelectorAll("[data-word]")].map((word) => ({ kind: word.dataset.word, text: word.textContent.trim() }))
    : [];
  return [...document.querySelectorAll("[data-step]")].map((step) => ({
    id: step.dataset.step,
    does: words(step.querySelector(".guide-do")),
    sees: words(step.querySelector(".guide-see")),
    code: [...step.querySelectorAll("pre code")].map((one) => one.textContent),
  }));
}"""


@dataclass(frozen=True)
class Word:
    """What a step calls something on the console, and what kind of thing that is."""

    kind: str
    text: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The whole text; `…` stands for a name that is somebody's own."""
        return re.compile(rf"^\s*{re.escape(self.text).replace('…', '.+')}\s*$")


@dataclass(frozen=True)
class Step:
    """One step as the page tells it."""

    id: str
    does: tuple[Word, ...]
    sees: tuple[Word, ...]
    code: tuple[str, ...]


def steps_of(page: Page) -> list[Step]:
    """Return the steps of the help page that is open, in their order."""
    return [
        Step(
            one["id"],
            tuple(Word(**word) for word in one["does"]),
            tuple(Word(**word) for word in one["sees"]),
            tuple(one["code"]),
        )
        for one in page.evaluate(READ)
    ]


@dataclass
class Walk:
    """Someone who does what a help page says, with a new account."""

    page: Page
    running: Running
    account: Account
    says: Callable[[str], str]
    """What the console says for an English sentence, in the language of the walk."""
    clients: Mapping[str, str] = field(default_factory=dict)
    """The code for clients that the help page shows."""
    exchange: KucoinDouble = field(init=False, repr=False)
    """Who answers in KuCoin's place, where the page is about exchanges."""
    step: Step = field(init=False, repr=False)
    values: Values = field(init=False, repr=False)
    """Of the key in use."""
    replaced: Values = field(init=False, repr=False)
    """Of the key that another one took the place of."""
    address: str = ""
    environment: str = ""
    """Code that asks for the values and puts them into the environment."""

    def take(self, step: Step, action: Callable[[Walk], None], place: Callable[[Walk], None] | None) -> None:
        """Carry out a step: what it names is there, and so is afterwards what it says one sees."""
        self.step = step
        if place is not None:
            place(self)
        for word in step.does:
            assert self.find(word).count(), f"{step.id}: no {word.kind} “{word.text}” at {self.page.url}"
        action(self)
        self.see()

    def see(self) -> None:
        """Wait until everything is there that one sees after the step."""
        for word in self.step.sees:
            expect(self.find(word).filter(visible=True).first, f"{self.step.id}: “{word.text}”").to_be_visible()

    def go(self, path: str) -> None:
        """Open an address of the console."""
        self.page.goto(self.running.console + path)

    def find(self, word: Word) -> Locator:
        """Return what is called so, visible or not."""
        page = self.page
        if word.kind == "said":
            return page.locator("main").get_by_text(word.text)
        if word.kind == "part":
            return page.locator("h1, h2").filter(has_text=word.pattern)
        if word.kind == "field":
            optional = re.escape(self.says("optional"))
            text = re.compile(rf"{word.pattern.pattern.removesuffix('$')}({optional}\s*)?$")
            return page.locator("main").locator("label, legend").filter(has_text=text)
        around = page.locator(".menu-body" if word.kind == "menu" else "main")
        named = around.get_by_text(word.text, exact=True)
        return named.locator("xpath=ancestor-or-self::*[self::a or self::button][1]")

    def named(self, kind: str, place: int = 0) -> Locator:
        """Return the thing that the step names at this place among those of its kind."""
        return self.find([word for word in self.step.does if word.kind == kind][place]).filter(visible=True)

    def press(self) -> None:
        """Press the button that the step names last."""
        self.named("button", -1).click()

    def choose(self) -> None:
        """Open the menu at the top, and choose what the step names."""
        self.page.locator("summary").filter(has_text=self.account.email).click()
        self.named("menu").click()

    def unfold(self) -> None:
        """Open the part of the page that the step names."""
        self.named("part").click()

    def fill(self, *texts: str) -> None:
        """Fill in the fields that the step names, in their order."""
        for place, text in enumerate(texts):
            self._control(place).fill(text)

    def tick(self, place: int) -> None:
        """Tick the choice that the step names at this place among its fields."""
        self._control(place).check()

    def _control(self, place: int) -> Locator:
        label = self.named("field", place)
        if label.count() > 1:  # then the one that belongs to the step's button
            label = label.and_(self.named("button", -1).locator("xpath=ancestor::form//label"))
        named = label.get_attribute("for")
        return self.page.locator(f"#{named}") if named else label.locator("input")

    def give_code_if_asked(self) -> None:
        """Type a code where the page asks for one."""
        asked = self.page.locator('input[name="code"]').filter(visible=True)
        if asked.count():
            asked.fill(self.account.authenticator.code())

    def wait(self) -> None:
        """Let so long go by that the second factor is asked for again, and load the page anew."""
        self.running.clock.advance(minutes=11)
        self.page.reload()

    def take_values(self, passphrase: str) -> None:
        """Read the key's values off the page that shows them."""
        key, secret, shown = (
            self.page.locator(f"#api-{name}").inner_text() for name in ("key", "secret", "passphrase")
        )
        assert shown == passphrase
        self.values = Values(key, secret, passphrase)

    def is_served(self) -> bool:
        """Tell whether a program with the values is served."""
        return self.running.bot(self.values).is_served()

    def reload_until(self, word: Word) -> None:
        """Load the page again until this can be seen on it."""
        for _ in range(100):
            if self.find(word).filter(visible=True).count():
                return
            self.page.wait_for_load_state()
            self.page.reload()
        raise AssertionError(f"{self.step.id}: “{word.text}” did not come")
