"""A browser that is logged in to Roundcube: what a user does on the page, and what he sees there."""

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, UnexpectedAlertPresentException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from .render import PASSWORD
from .waiting import wait_for

PAGE = "?_task=mail&_action=plugin.lazy_expunge"
SECONDS = 60
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
        return wait_for(tolerant, f"{what} in the browser", seconds=SECONDS)

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

    def alerted(self):
        """Whether some script has opened a box."""
        try:
            self.driver.title
        except UnexpectedAlertPresentException:
            return True
        return False
