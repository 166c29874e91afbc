// Drives Debian's Chromium through one incident: node incident.mjs BASE PASSWORD INCIDENT PICTURES
import { chromium } from "playwright-core";

const [base, password, incident, pictures] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "vi-VN" });
const at = (name) => page.getByTestId(name);
const picture = (name) => page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });

// A page that breaks its own rules, throws or asks another host fails the test.
const wrong = [];
page.on("console", (message) => {
  // The question "am I signed in?" is answered 401 before sign-in; the browser writes that itself.
  if (message.type() === "error" && !message.text().includes("401")) wrong.push(message.text());
});
page.on("pageerror", (error) => wrong.push(String(error)));
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(base) && !url.startsWith("data:")) wrong.push(`asks another host: ${url}`);
});

try {
  await page.goto(base);
  await at("sign-in-username").fill("admin");
  await at("sign-in-password").fill("not the password");
  await at("sign-in-submit").click();
  await page.getByRole("alert").first().waitFor();
  await at("sign-in-password").fill(password);
  await at("sign-in-submit").click();
  await at("nav-incidents").waitFor();
  await at("events-total").waitFor();
  await picture("overview");

  await at("nav-incidents").click();
  await at("incident-row").first().waitFor();
  await picture("incidents");
  await at("incident-row").first().click();
  await at("incident-title").waitFor();
  if (!page.url().includes(incident)) throw new Error(`the address ${page.url()} does not name the incident ${incident}`);
  await at("action-acknowledge").click();
  await at("comment-text").fill("Đã chặn địa chỉ 203.0.113.50 <b>tại tường lửa</b>");
  await at("comment-submit").click();
  await page.getByText("<b>tại tường lửa</b>").first().waitFor();
  await picture("incident");
  await at("action-close").click();
  await at("verdict-true_positive").click();
  await at("confirm-close").click();
  await page.locator('[data-testid="status-badge"][data-status="closed"]').first().waitFor();
  await picture("incident-closed");

  await at("nav-events").click();
  await at("search-query").fill("source.ip:203.0.113.50");
  await at("search-submit").click();
  await at("event-row").first().waitFor();
  await picture("events");
  await at("nav-sources").click();
  await picture("sources");
  if (wrong.length > 0) throw new Error(wrong.filter((text) => !text.includes("401")).join("\n"));
} catch (error) {
  await picture("failed");
  console.error(error, wrong);
  process.exitCode = 1;
} finally {
  await browser.close();
}
