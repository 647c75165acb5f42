"""A browser that is logged in to Roundcube: what a user does on the page, and what he sees there."""

import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, UnexpectedAlertPresentException, \
    WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from harness.dovecot.render import PASSWORD
from harness.waiting import wait_for
from harness.webmail.server import PAGE

SECONDS = 60
CALL = """
var done = arguments[arguments.length - 1], r = new XMLHttpRequest(), post = arguments[1] === 'POST';
r.open(arguments[1], arguments[0] + (post ? '' : '&' + arguments[2]));
r.onload = function () { done(r.responseText); };
r.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
if (arguments[3]) {
    r.setRequestHeader('X-Roundcube-Request', rcmail.env.request_token);
}
r.send(post ? arguments[2] : null);
"""
# chromium's own look-ups go nowhere
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


class Browser:
    """Made by Webmail.browser()."""

    def __init__(self, webmail, driver_url, size):
        options = webdriver.ChromeOptions()
        for argument in ARGUMENTS:
            options.add_argument(argument)
        self.webmail = webmail
        self.driver = webdriver.Remote(driver_url, options=options)
        self.resize(size)

    def close(self):
        self.driver.quit()

    def forget(self):
        """Leave nothing of what was done; returns whether that worked."""
        try:
            while self.alerted():
                self.driver.switch_to.alert.dismiss()
            for window in self.driver.window_handles[1:]:
                self.driver.switch_to.window(window)
                self.driver.close()
            self.driver.switch_to.window(self.driver.window_handles[0])
            self.driver.get(self.webmail.url + "favicon.ico")
            self.script("localStorage.clear(); sessionStorage.clear()")
            self.driver.delete_all_cookies()
            self.driver.get("about:blank")
        except WebDriverException:
            return False
        return True

    def resize(self, size):
        self.driver.set_window_size(*size)

    def picture(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.driver.get_screenshot_as_png())

    # Finding and waiting.

    def all(self, selector, within=None):
        return (within or self.driver).find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector, within=None):
        return self.wait(lambda: next((found for found in self.all(selector, within) if found.is_displayed()), None), selector)

    def texts(self, selector):
        return [found.text for found in self.all(selector)]

    def wait(self, condition, what):
        def tolerant():
            try:
                return condition()
            except (NoSuchElementException, StaleElementReferenceException):
                return None
        return wait_for(tolerant, f"{what} in the browser", seconds=SECONDS, interval=0.1)

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    # Roundcube.

    def login(self, user):
        self.driver.get(self.webmail.url)
        self.one("#rcmloginuser").send_keys(user.name)
        self.one("#rcmloginpwd").send_keys(PASSWORD + Keys.RETURN)
        self.wait(lambda: self.all("body.task-mail"), "the mail page")
        return self

    def recover(self, address=PAGE):
        """Open the page, and wait for what it lists."""
        self.driver.get(self.webmail.url + address)
        return self.listed()

    def listed(self):
        """Wait until the list is there; returns this."""
        self.wait(lambda: self.all("#lazy-expunge-list[aria-busy=false]"), "the list")
        return self

    # The page.

    def groups(self):
        """Titles of the deletions shown."""
        return self.texts(".lazy-expunge-group h3")

    def subjects(self):
        return self.texts(".lazy-expunge-subject")

    def said(self):
        """The words instead of a list."""
        return self.one(".lazy-expunge-empty").text

    def filter(self, **fields):
        """text, where, folder (as shown), since, until: fill them in and search."""
        for name, value in fields.items():
            field = self.driver.find_element(By.ID, f"lazy-expunge-{name}")
            if field.tag_name == "select":
                option = next(option.text for option in Select(field).options if option.text.startswith(value))
                self.script("arguments[0].value = arguments[1]", field,
                            next(o.get_attribute("value") for o in Select(field).options if o.text == option))
            elif name in ("since", "until"):
                self.script("arguments[0].value = arguments[1]", field, value)
            else:
                field.clear()
                field.send_keys(value)
        self.busy()
        self.one("#lazy-expunge-form button[type=submit]").click()
        return self.listed()

    def busy(self):
        """Mark the list as unread, so that the next listed() waits for a new one."""
        self.script("document.getElementById('lazy-expunge-list').setAttribute('aria-busy', 'true')")

    def choose_target(self, folder):
        Select(self.driver.find_element(By.ID, "lazy-expunge-target")).select_by_value(folder)

    def check(self, *subjects):
        for row in self.all(".lazy-expunge-rows li"):
            if self.one(".lazy-expunge-subject", row).text in subjects:
                self.one("input[type=checkbox]", row).click()

    def restore(self, button="#lazy-expunge-selected", wait=True):
        """Press a button that restores; wait for the result, and return its lines."""
        self.script("document.getElementById('lazy-expunge-result').textContent = ''")
        self.one(button).click()
        return self.result() if wait else None

    def result(self):
        self.wait(lambda: self.all("#lazy-expunge-result h3"), "the result")
        lines = self.one("#lazy-expunge-result").text.splitlines()
        self.listed()
        return lines

    def undo(self):
        self.one("#lazy-expunge-undo").click()
        self.wait(lambda: not self.all("#lazy-expunge-undo"), "undo to be done")
        lines = self.one("#lazy-expunge-result").text.splitlines()
        self.listed()
        return lines

    def ask(self, call, /, method="GET", token=True, **data):
        """Send the server one of the calls that the page makes, with anything in it, and with the session's token or without; its answer."""
        data = urllib.parse.urlencode({f"_{name}": value for name, value in data.items()})
        return self.driver.execute_async_script(CALL, f"{PAGE}.{call}&_remote=1", method, data, token)

    def in_order(self, most=60):
        """(role, name) of what the Tab key comes to on the page, from its first control to its last, as a screen reader says them."""
        self.script("var first = document.querySelector('.lazy-expunge-scroller'); first.tabIndex = -1; first.focus()")
        found = []
        for _ in range(most):
            self.driver.switch_to.active_element.send_keys(Keys.TAB)
            active = self.driver.switch_to.active_element
            if not self.script("return arguments[0].closest('.lazy-expunge-scroller') !== null", active):
                return found
            control = (active.aria_role, " ".join(active.accessible_name.split()))
            # a date has stops of its own within
            if not found or active != last:
                found.append(control)
            last = active
        raise AssertionError(f"Tab does not leave the page: {found}")

    def alerted(self):
        """Whether some script has opened a box."""
        try:
            self.driver.title
        except UnexpectedAlertPresentException:
            return True
        return False
