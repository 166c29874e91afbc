// Drives Debian's Chromium to the buttons that give documents: node documents.mjs BASE PASSWORD INCIDENT FOLDER PICTURES
// What is downloaded is in FOLDER.
import { drive, signIn } from "./drive.mjs";

const [base, password, incident, folder, pictures] = process.argv.slice(2);
await drive(base, pictures, async ({ page, at, picture }) => {
  await signIn({ page, at }, base, password);
  await at("nav-incidents").waitFor();
  const download = async (button, name) => {
    const [saved] = await Promise.all([page.waitForEvent("download"), at(button).click()]);
    if (!saved.suggestedFilename().endsWith(".docx")) throw new Error(`${button} gives ${saved.suggestedFilename()}`);
    await saved.saveAs(`${folder}/${name}`);
  };
  await page.goto(`${base}/incidents/${incident}`);
  await at("reports").waitFor();
  await download("report-03", "mau-03.docx");
  await download("report-04", "mau-04.docx");
  await picture("documents-incident");
  await page.goto(base);
  for (const period of ["week", "month", "quarter"]) await download(`bulletin-${period}`, `ban-tin-${period}.docx`);
  await picture("documents-overview");
});
