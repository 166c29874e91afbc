// Drives Debian's Chromium through the exchange with others: node exchange.mjs BASE PASSWORD PICTURES
import { chromium } from "playwright-core";

const [base, password, pictures] = process.argv.slice(2);
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
  if (message.type() === "error" && !message.text().includes("401")) wrong.push(message.text());
});
page.on("pageerror", (error) => wrong.push(String(error)));
page.on("request", (request) => {
  if (!request.url().startsWith(base) && !request.url().startsWith("data:")) wrong.push(`asks another host: ${request.url()}`);
});

try {
  await page.goto(base);
  await at("sign-in-username").fill("admin");
  await at("sign-in-password").fill(password);
  await at("sign-in-submit").click();

  // A warning by hand: text, bare values, a unit.
  await at("nav-warnings").click();
  await at("warning-add").click();
  await at("warning-source").fill("NCSC");
  await at("warning-title").fill("Mã độc <b>ViDu</b> qua thư giả mạo");
  await at("warning-text").fill("Chặn các chỉ báo kèm theo.\nRà soát máy đã mở tệp.");
  await at("warning-document").fill("c2.vidu.example\n203.0.113.99\nkhông phải chỉ báo");
  await at("warning-units").selectOption("so-y-te");
  await picture("warning-form");
  await at("warning-submit").click();
  await at("warning-taken").waitFor();
  await at("task").first().waitFor();
  await page.getByText("<b>ViDu</b>").first().waitFor();
  await picture("warnings");
  await at("task-read").click();
  await at("task-note").fill("Đã chặn trên tường lửa");
  await at("task-done").click();
  await page.getByText("Đã chặn trên tường lửa").waitFor();
  await picture("warnings-done");

  await at("nav-indicators").click();
  await at("indicator-row").first().waitFor();
  await at("indicators-search").fill("C2.vidu");
  await at("indicators-submit").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="indicator-row"]').length === 1);
  await picture("indicators");

  // What waits while the other side is down.
  await at("nav-exchange").click();
  await page.locator('[data-testid="partner-row"][data-partner="ncsc"]').waitFor();
  await at("delivery-row").first().waitFor();
  await picture("exchange");

  // The warning's incident is let out to an audience in a colour.
  await at("nav-incidents").click();
  await at("incident-row").first().click();
  await at("action-release").click();
  await at("release-collection").selectOption("trung-tam");
  await at("release-amber").check();
  await page.getByText("@responder").first().waitFor();
  await picture("release");
  await at("release-confirm").click();
  await at("release-done").waitFor();
  await page.getByRole("button", { name: "Đóng", exact: true }).click();
  await at("releases").waitFor();
  await picture("released");

  // The same in English, dark, and on a telephone.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${base}/exchange`);
  await at("delivery-row").first().waitFor();
  await picture("exchange-telephone");
  await page.goto(`${base}/warnings`);
  await at("task").first().waitFor();
  await picture("warnings-telephone");
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
} catch (error) {
  await picture("failed-exchange");
  console.error(error, wrong);
  process.exitCode = 1;
} finally {
  await browser.close();
}
