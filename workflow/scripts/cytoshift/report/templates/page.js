"use strict";
// Search and sort for the table of all estimates; without scripts the table is complete and in its planned order.
(() => {
  const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

  const value = (row, column) => {
    const cell = row.cells[column];
    const key = cell.dataset.sort;
    if (key !== undefined) return Number(key);
    return cell.classList.contains("number") ? NaN : fold(cell.textContent.trim());
  };

  // Rows without a number stay last, whichever way the others run.
  const compare = (column, sign) => (first, second) => {
    const [a, b] = [value(first, column), value(second, column)];
    const [noA, noB] = [Number.isNaN(a), Number.isNaN(b)];
    if (noA || noB) return noA - noB;
    if (typeof a === "string" || typeof b === "string") return sign * String(a).localeCompare(String(b), "en", { numeric: true });
    return sign * (a - b);
  };

  const labelled = (words, control) => {
    const label = document.createElement("label");
    label.append(words, control);
    return label;
  };

  const sortable = (table, body) => {
    for (const [column, heading] of [...table.tHead.rows[0].cells].entries()) {
      if (!heading.textContent.trim()) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const falling = heading.getAttribute("aria-sort") === "ascending";
        for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
        body.append(...[...body.rows].sort(compare(column, falling ? -1 : 1)));
      });
    }
  };

  const choices = (rows, column) => [...new Set(rows.map((row) => row.cells[column].textContent.trim()))];

  const searchable = (box) => {
    const table = box.querySelector("table");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const texts = new Map(rows.map((row) => [row, fold(row.textContent)]));
    const search = document.createElement("input");
    search.type = "search";
    const contrast = document.createElement("select");
    contrast.append(new Option("all", ""));
    for (const name of choices(rows, 1)) contrast.append(new Option(name, name));
    const shown = document.createElement("output");
    const update = () => {
      const words = fold(search.value).split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const fits = words.every((word) => texts.get(row).includes(word))
          && (!contrast.value || row.cells[1].textContent.trim() === contrast.value);
        row.hidden = !fits;
        count += fits;
      }
      shown.value = `${count} of ${rows.length} rows`;
    };
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(labelled("Search", search));
    if (contrast.options.length > 2) tools.append(labelled("Contrast", contrast));
    tools.append(shown);
    box.before(tools);
    search.addEventListener("input", update);
    contrast.addEventListener("change", update);
    sortable(table, body);
    update();
  };

  // A figure wider than its place says that it goes on: a cut edge alone does not.
  const hint = (plot) => plot.classList.toggle("wide", plot.scrollWidth > plot.clientWidth + 1);

  for (const box of document.querySelectorAll("div.searchable")) searchable(box);
  const plots = [...document.querySelectorAll("div.plot")];
  const hints = () => plots.forEach(hint);
  for (const plot of plots) plot.querySelector("img")?.addEventListener("load", () => hint(plot));
  addEventListener("resize", hints);
  document.addEventListener("toggle", hints, true);
  hints();
})();
