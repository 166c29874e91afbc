// Drives Debian's Chromium through what is due, the four layers and the registry: node compliance.mjs BASE PASSWORD INCIDENT PICTURES
import { drive, signIn } from "./drive.mjs";

const [base, password, incident, pictures] = process.argv.slice(2);
await drive(base, pictures, async ({ page, at, picture }) => {
  await signIn({ page, at }, base, password);
  await at("reports-overdue").waitFor();
  await picture("overview-reports");

  await page.goto(`${base}/incidents?due=owed&sort=due`);
  await at("row-due").first().waitFor();
  await picture("queue-due");
  await page.goto(`${base}/incidents/${incident}`);
  await at("deadline").first().waitFor();
  await at("class-vn-2026").selectOption("harm");
  await at("class-reason").fill("Cổng dịch vụ công ngừng hoạt động");
  await at("class-save").click();
  await page.locator('[data-testid="deadline"]').nth(2).waitFor();
  await at("report-begin").first().click();
  await at("report-document").fill("12/BC-TTGS");
  await picture("incident-reporting");
  await at("report-save").click();
  await page.locator('[data-testid="deadline"][data-stand="reported"]').first().waitFor();
  await picture("incident-reported");

  await at("nav-board").click();
  await at("board-row").first().waitFor();
  await picture("board");
  const [saved] = await Promise.all([page.waitForEvent("download"), at("compliance-report-xlsx").click()]);
  if (!/^theo-cap-do-tinh-.*\.xlsx$/.test(saved.suggestedFilename())) throw new Error(`the report is called ${saved.suggestedFilename()}`);
  await at("board-find").fill("giáo dục");
  await at("board-row").first().getByRole("link").click();
  await at("layer-4").waitFor();
  if (!page.url().includes("unit=")) throw new Error(`the address ${page.url()} does not name the unit`);
  await picture("board-unit");

  // A measure that people attest: unknown, attested, met; taken back, unknown again, and still in the list.
  await at("nav-compliance").click();
  await at("compliance-level").selectOption("3");
  await at("compliance-find").fill("giáo dục");
  await at("assessed").first().waitFor();
  await picture("compliance");
  await page.goto(`${base}/compliance?system=sgddt-ht1`);
  const measure = (outcome) => page.locator(`[data-measure="assessment"][data-outcome="${outcome}"]`);
  await measure("unknown").getByTestId("attest").click();
  await at("attest-document").fill("BB-12 <b>biên bản</b> kiểm tra, đánh giá");
  await at("attest-organisation").fill("Trung tâm Kiểm định");
  await at("attest-until").fill("31/02/2027");
  await at("attest-submit").click();
  await page.getByRole("dialog").getByRole("alert").waitFor();
  await at("attest-until").fill("31/12/2027");
  await picture("attest");
  await at("attest-submit").click();
  await measure("met").waitFor();
  await page.getByText("<b>biên bản</b>").first().waitFor();
  await picture("compliance-system");
  // The proof leads to the page, and there to what was attested.
  await measure("met").getByTestId("proof").click();
  await page.waitForURL(/attestation=/);
  await page.locator('tr.marked[data-testid="attestation"][data-state="held"]').waitFor();
  await page.locator('[data-measure="sources-connected"]').getByTestId("proof").first().click();
  await at("event-row").first().waitFor();
  await page.goBack();
  await page.locator('[data-measure="reported-in-time"]').getByTestId("proof").click();
  await at("incident-row").first().waitFor();
  await at("filter-period").waitFor();
  await page.goBack();
  await at("withdraw").first().click();
  await at("withdraw-confirm").click();
  await measure("unknown").waitFor();
  await page.locator('[data-testid="attestation"][data-state="withdrawn"]').waitFor();
  await at("withdrawn").filter({ hasText: "admin" }).waitFor();
  await picture("compliance-withdrawn");
  // A period that spans a change of law (whichever months the page offers by then): what was asked before stands beside it.
  const assessments = "**/api/v1/compliance/assessment*";
  await page.route(assessments, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    const gap = body.systems[0].measures.find((one) => one.id === "log-gap");
    gap.earlier = [{ from: "2026-08-01", until: "2026-08-18", required: 24, citation: "TCVN 11930:2017", certainty: "to-verify" }];
    await route.fulfill({ response: answer, json: body });
  });
  await page.reload();
  await at("earlier").filter({ hasText: "Từ 01/08/2026 đến 18/08/2026: ≤ 24 giờ TCVN 11930:2017" }).waitFor();
  await picture("compliance-change");
  await page.unroute(assessments);

  await at("nav-registry").click();
  await at("registry-row").first().waitFor();
  await at("unit").first().waitFor();
  await at("registry-row").filter({ hasText: "trước: cấp 1, từ 20/05/2022" }).first().waitFor();
  await picture("registry");
  await at("kind-endpoints").click();
  await at("registry-find").fill("pc-");
  await at("registry-find").press("Enter");
  await at("registry-row").first().waitFor();
  await picture("registry-endpoints");

  // A hostile file changes nothing and is told row by row; mended, it is tried and then taken in.
  const file = (text) => ({ name: "may.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await at("registry-import").click();
  await at("import-file").setInputFiles({ name: "may.csv", mimeType: "text/csv", buffer: Buffer.from([0xff, 0xfe, 0x69, 0x00]) });
  await at("import-try").click();
  await at("import-problem").filter({ hasText: "UTF-16" }).waitFor();
  await at("import-file").setInputFiles(file("id;unit;os\nMAY-1;sgddt;=cmd|'/C calc'!A0\n<img src=x onerror=alert(1)>;sgddt;Windows 11\nMAY-2;khong-co;Windows 11\nMAY-1;sgddt;Windows 11\n"));
  await at("import-try").click();
  await at("import-problem").filter({ hasText: "mã này có hai lần, lần đầu ở dòng 2" }).waitFor();
  await at("import-file").setInputFiles(file("id;unit;os\nMAY-1;sgddt;=cmd|'/C calc'!A0\n<img src=x onerror=alert(1)>;sgddt;Windows 11\nMAY-2;khong-co;Windows 11\n"));
  await at("import-try").click();
  await at("import-problem").nth(2).waitFor();
  const rows = await at("import-problem").locator("td:first-child").allTextContents();
  await at("import-problem").filter({ hasText: "`unit` là `khong-co`, không có trong danh sách đơn vị" }).waitFor();
  await at("import-problem").filter({ hasText: "`os` bắt đầu như công thức của bảng tính" }).waitFor();
  if ([...new Set(rows)].join() !== "2,3,4") throw new Error(`the rows told are ${rows}`);
  await picture("registry-import-refused");
  await at("import-file").setInputFiles(file("id;unit;os\nMAY-1;sgddt;Windows 11\n"));
  await at("import-try").click();
  await at("import-tried").waitFor();
  await picture("registry-import");
  await at("import-take").click();
  await at("import-done").waitFor();
  await at("import-close").click();
  await at("registry-find").fill("may-1");
  await at("registry-find").press("Enter");
  await at("registry-row").filter({ hasText: "MAY-1" }).waitFor();

  await at("language-en").click();
  await page.goto(`${base}/board`);
  await at("board-row").first().waitFor();
  await picture("board-en");
  await page.goto(`${base}/compliance?system=sgddt-ht1`);
  await at("measure").first().waitFor();
  await picture("compliance-en");
  // On a narrow telephone nothing is wider than the page.
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [name, path, row] of [["board", "/board", "board-row"], ["compliance", "/compliance?system=sgddt-ht1", "measure"], ["registry", "/registry", "registry-row"]]) {
    await page.goto(`${base}${path}`);
    await at(row).first().waitFor();
    await picture(`${name}-phone`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 360) throw new Error(`${path} is ${width} pixels wide on a telephone of 360`);
  }

  // An auditor sees all of it, takes the report away, and changes nothing.
  await page.setViewportSize({ width: 1440, height: 900 });
  await at("sign-out").click();
  await at("sign-in-submit").waitFor();
  await signIn({ page, at }, base, password, "kiem-toan");
  await at("password-new").fill(`${password} của kiểm toán`);
  await at("password-repeat").fill(`${password} của kiểm toán`);
  await at("password-submit").click();
  await at("nav-compliance").waitFor();
  await page.goto(`${base}/compliance?system=sgddt-ht1`);
  await page.locator('[data-testid="attestation"][data-state="withdrawn"]').waitFor();
  const [taken] = await Promise.all([page.waitForEvent("download"), at("compliance-report-docx").click()]);
  if (!taken.suggestedFilename().startsWith("theo-cap-do-he-thong-sgddt-ht1")) throw new Error(`the report is called ${taken.suggestedFilename()}`);
  await picture("compliance-auditor");
  for (const act of ["attest", "withdraw"]) if ((await at(act).count()) > 0) throw new Error(`an auditor is offered to ${act}`);
  await at("nav-registry").click();
  await at("registry-row").first().waitFor();
  if ((await at("registry-import").count()) > 0) throw new Error("an auditor is offered to import");
});
