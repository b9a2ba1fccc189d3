"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // A link to what lies in a fold opens the fold.
  const unfold = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  // Click on a column's title to sort; missing figures stay last.
  const valueOf = (row, column) => {
    const cell = row.cells[column], text = cell.textContent.trim();
    if (!cell.classList.contains("number")) return text;
    const figure = text.match(/-?\d[\d,]*(\.\d+)?/);
    return figure ? Number(figure[0].replaceAll(",", "")) : null;
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
  const sort = (table, column, up) => {
    const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return up ? compare(a, b) : compare(b, a);
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up);
      });
    });
  }

  // Show only rows and runs of an app, an endpoint, a variant or a verdict.
  for (const bar of all(".filter")) {
    const choices = all("select", bar), shown = all("output", bar)[0];
    bar.hidden = false;
    bar.addEventListener("change", () => {
      const chosen = choices.filter((choice) => choice.value);
      const rows = all("[data-verdict]");
      for (const row of rows) {
        row.hidden = chosen.some((choice) => row.dataset[choice.name] !== choice.value);
      }
      const runs = rows.filter((row) => row.matches("details.run"));
      shown.textContent = `${runs.filter((run) => !run.hidden).length} of ${runs.length} runs shown`;
    });
  }

  // Set all apps of an answer beside another baseline.
  for (const choice of all(".choice select")) {
    choice.closest(".choice").hidden = false;
    choice.addEventListener("change", () => {
      const answer = choice.closest(".answer");
      for (const cell of all("td[data-ratios]", answer)) {
        cell.textContent = JSON.parse(cell.dataset.ratios)[choice.selectedIndex];
      }
      all(".baseline", answer)[0].textContent = choice.value;
    });
  }
})();
