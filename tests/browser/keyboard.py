"""A person without a mouse: Tab, Shift+Tab, Enter, Space, arrows; and always able to see where the focus is."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

MOST_STOPS = 60
"""Between two things on a page; further apart, nobody would find the way."""

WHAT_IS_WRONG_WITH_THE_FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "";  // on its way through the browser's own buttons
  const name = `${one.tagName} ${one.id} ${one.textContent.trim().slice(0, 40)}`;
  const drawn = ({ outlineStyle, outlineWidth, outlineColor }) =>
    outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && outlineColor !== "transparent" && !outlineColor.endsWith(", 0)");
  const box = one.getClientRects()[0];  // of a link that goes over two lines, the first
  const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
  if (bottom <= top || box.right <= 0 || box.left >= innerWidth) return `${name}: out of sight`;
  const at = document.elementFromPoint((box.left + box.right) / 2, (top + bottom) / 2);
  if (!one.contains(at) && !(one.labels && [...one.labels].some((label) => label.contains(at))))
    return `${name}: covered by ${at && at.outerHTML.slice(0, 80)}`;
  for (let around = one; around; around = around.parentElement)
    if (drawn(getComputedStyle(around))) return "";
  return `${name}: no outline`;
}"""


@dataclass(frozen=True)
class Keyboard:
    """Keys, and a look after each at what has the focus."""

    page: Page

    def reach(self, target: Locator, *, by: str = "Tab") -> Locator:
        """Go on to the target, stop by stop."""
        target.wait_for()
        for _ in range(MOST_STOPS):
            self.press(by)
            if target.evaluate("(one) => one === document.activeElement"):
                return target
        raise AssertionError(f"no way to {target} by {by}")

    def press(self, key: str) -> None:
        """Press one key; whatever has the focus then can be seen to have it."""
        self.page.keyboard.press(key)
        wrong = self.page.wait_for_function(f"() => [({WHAT_IS_WRONG_WITH_THE_FOCUS})()]").json_value()[0]
        assert not wrong, wrong

    def use(self, target: Locator, *, key: str = "Enter", by: str = "Tab") -> None:
        """Go on to the target and press it."""
        self.reach(target, by=by)
        self.page.keyboard.press(key)

    def type(self, target: Locator, text: str, *, by: str = "Tab") -> None:
        """Go on to the field and type over what is in it."""
        self.reach(target, by=by)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
