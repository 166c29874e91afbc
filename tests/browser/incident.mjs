// Drives Debian's Chromium through one incident: node incident.mjs BASE PASSWORD INCIDENT PICTURES
import { drive } from "./drive.mjs";

const [base, password, incident, pictures] = process.argv.slice(2);
await drive(base, pictures, async ({ page, at, picture }) => {
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
});
