// Drives Debian's Chromium through an outage of the other side: node delivery.mjs BASE PASSWORD PARTNER NEVER PICTURES
// It says when it has seen the other side down; the page stays open while whoever started it brings that side up.
import { drive, signIn } from "./drive.mjs";

const [base, password, partner, never, pictures] = process.argv.slice(2);
const UNITS = { giây: 1, phút: 60, giờ: 3600, ngày: 86_400 };

await drive(base, pictures, async ({ page, at, picture }) => {
  await signIn({ page, at }, base, password);
  await at("nav-exchange").click();
  const row = page.locator(`[data-testid="partner-row"][data-partner="${partner}"]`);
  await row.waitFor();
  /** What the page says at one moment: how long ago the last success is, in whole units, when it was, and how many wait. */
  const seen = async () => {
    const texts = await row.evaluate((row) => ["age", "succeeded", "waiting"].map((name) => row.querySelector(`[data-testid="partner-${name}"]`).innerText));
    const [age, succeeded, waiting] = texts.map((text) => text.trim());
    const [, count, unit] = /^(\d+) (giây|phút|giờ|ngày) trước$/.exec(age) ?? [];
    if (!unit) throw new Error(`the age of the last success reads ${JSON.stringify(age)}`);
    return { ageS: Number(count) * UNITS[unit], unitS: UNITS[unit], succeeded, waiting: parseInt(waiting, 10) };
  };
  const told = () => page.evaluate(async (name) => (await (await fetch("/api/v1/exchange")).json()).partners.find((one) => one.name === name), partner);
  const until = async (what, holds) => {
    for (const end = Date.now() + 120_000; ; await page.waitForTimeout(250)) {
      const now = await seen();
      if (await holds(now)) return now;
      if (Date.now() > end) throw new Error(`${what}: the page says ${JSON.stringify(now)}, the API ${JSON.stringify(await told())}`);
    }
  };

  const first = await seen();
  // By itself, the page that stays open tells that more wait, and that the same success is longer ago, as the API does.
  const since = await told();
  const later = await until("what waits and the age grow", (now) => now.waiting > first.waiting && now.ageS + now.unitS > since.succeeded_age_s);
  if (later.succeeded !== first.succeeded) throw new Error(`the last success was ${first.succeeded} and is ${later.succeeded}, with nobody there`);
  const now = await told();
  if (later.ageS > now.succeeded_age_s || later.waiting > now.waiting) throw new Error(`the page says ${JSON.stringify(later)}, the API ${JSON.stringify(now)}`);
  await page.locator(`[data-partner="${never}"]`).getByText("Chưa lần nào").waitFor();
  await picture("delivery-down");
  console.log("seen while it is down");

  const back = await until("nothing waits any longer", (now) => now.waiting <= 1 && now.succeeded !== later.succeeded);
  if (back.ageS >= later.ageS) throw new Error(`${later.ageS} s after the last success while it was down, ${back.ageS} s now`);
  await picture("delivery-up");
});
