"use strict";
const number = (cell) => (cell.dataset.value === "" ? Number.NEGATIVE_INFINITY : Number(cell.dataset.value));
const text = (cell) => cell.dataset.text ?? cell.textContent.trim();

function sortBy(table, column, ascending) {
  const body = table.tBodies[0];
  const numeric = table.tHead.rows[0].cells[column].dataset.kind === "number";
  const compare = (one, other) => {
    const [left, right] = [one.cells[column], other.cells[column]];
    return numeric ? number(left) - number(right) : text(left).localeCompare(text(right));
  };
  const rows = [...body.rows].sort((one, other) => (ascending ? compare(one, other) : compare(other, one)));
  body.append(...rows);
  [...table.tHead.rows[0].cells].forEach((head, at) =>
    head.setAttribute("aria-sort", at === column ? (ascending ? "ascending" : "descending") : "none"));
}

// A spreadsheet takes a cell that starts with one of these for a formula.
const quoted = (value) => `"${(/^[=+\-@\t\r]/.test(value) ? "'" + value : value).replaceAll('"', '""')}"`;

function asCsv(table) {
  const heads = [...table.tHead.rows[0].cells];
  const cell = (field, at) => (heads[at].dataset.kind === "number" ? field.dataset.value : quoted(text(field)));
  const lines = [...table.tBodies[0].rows].map((row) => [...row.cells].map(cell).join(","));
  return [heads.map((head) => head.dataset.name).join(","), ...lines].join("\r\n") + "\r\n";
}

function download(table) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([asCsv(table)], { type: "text/csv" }));
  link.download = table.dataset.file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

document.addEventListener("click", (event) => {
  const sorter = event.target.closest("th button");
  if (sorter) {
    const head = sorter.closest("th");
    sortBy(head.closest("table"), head.cellIndex, head.getAttribute("aria-sort") !== "ascending");
  }
  const saver = event.target.closest("button[data-csv]");
  if (saver) download(document.getElementById(saver.dataset.csv));
});
document.documentElement.classList.add("live");
