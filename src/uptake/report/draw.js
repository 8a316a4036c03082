const charts = [...document.querySelectorAll(".chart")].map(at => [at, at.nextElementSibling.textContent]);
const hue = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const look = width => {
  const quiet = { domainColor: hue("line"), gridColor: hue("line"), tickColor: hue("line"),
    labelColor: hue("soft"), titleColor: hue("soft"), labelFontSize: 12, titleFontSize: 12,
    titleFontWeight: 450, titlePadding: 10, labelPadding: 8, ticks: false };
  return { background: "transparent", font: getComputedStyle(document.body).fontFamily,
    view: { stroke: null }, axis: quiet, axisX: { domain: false, labelFlush: false }, axisY: { domain: false, labelPadding: 12 },
    axisBand: { grid: false, domain: false }, text: { fontSize: 12 },
    legend: { labelColor: hue("soft"), labelFontSize: 12, symbolStrokeWidth: 2.5, columns: width > 360 ? 4 : 1, labelLimit: width > 520 ? 200 : width - 150 } };
};
async function draw() {
  for (const [at, text] of charts) {
    const spec = JSON.parse(text.replace(/"@(\w+)"/g, (_, name) => JSON.stringify(hue(name))));
    if (at.clientWidth < 520 && spec.layer) spec.layer = spec.layer.filter(layer => layer.name !== "figures");
    spec.config = look(at.clientWidth);
    await vegaEmbed(at, spec, { actions: false, renderer: "svg", tooltip: { theme: "custom" } });
  }
  document.body.dataset.drawn = charts.length;
}
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
const filter = document.getElementById("filter");
filter?.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("#rows tbody tr")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
  }
});
