// Drives Debian's Chromium through the exchange with others: node exchange.mjs BASE PASSWORD PICTURES
import { drive, signIn } from "./drive.mjs";

const [base, password, pictures] = process.argv.slice(2);
await drive(base, pictures, async ({ page, at, picture }) => {
  await signIn({ page, at }, base, password);

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
});
