// What every script begins and ends with: Debian's Chromium, and what makes a page fail its test.
import { basename } from "node:path";
import { chromium } from "playwright-core";

// The question "am I signed in?" is answered 401 before sign-in, and a hostile file 422; the browser writes that itself.
const EXPECTED = /\b(401|422)\b/;

/** Does the steps with a page of its own. A page that breaks its own rules, throws or asks another host fails the test. */
export async function drive(base, pictures, steps) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"],
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "vi-VN" });
  const picture = (name) => page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  const wrong = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.test(message.text())) wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith("data:")) wrong.push(`asks another host: ${url}`);
  });
  try {
    await steps({ page, picture, at: (name) => page.getByTestId(name) });
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
  } catch (error) {
    await picture(`failed-${basename(process.argv[1], ".mjs")}`);
    console.error(error, wrong);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** Signs somebody in, from the page that asks for it. */
export async function signIn({ page, at }, base, password, username = "admin") {
  await page.goto(base);
  await at("sign-in-username").fill(username);
  await at("sign-in-password").fill(password);
  await at("sign-in-submit").click();
}
