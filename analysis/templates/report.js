"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // A link to what lies in a fold opens the fold; one to what a filter left out ends the filter.
  const unfold = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (const bar of target.closest("[hidden]") ? all(".filter") : []) {
      for (const choice of all("select", bar)) choice.value = "";
      bar.dispatchEvent(new Event("change"));
    }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  // Click on a column's title to sort; missing figures stay last.
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (!cell.matches(".number, .ratio")) return cell.textContent.trim();
    // What stands small below a figure, its range over trials, is no part of it.
    const parts = [...cell.childNodes].filter((part) => part.nodeName !== "SMALL");
    const figure = parts.map((part) => part.textContent).join("").match(/-?\d[\d,]*(\.\d+)?/);
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
  const sorters = [];
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      sorters.push([head, button]);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up);
      });
    });
  }
  // A head that holds buttons is not repeated on each sheet of paper, so there it holds its text.
  addEventListener("beforeprint", () => {
    for (const [, button] of sorters) button.replaceWith(...button.childNodes);
  });
  addEventListener("afterprint", () => {
    for (const [head, button] of sorters) {
      button.append(...head.childNodes);
      head.append(button);
    }
  });

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

  // Show only some columns of the results: at first those that fit a screen.
  const tables = all("table.runs, table.summary");
  const headsOf = (table) => [...table.tHead.rows[0].cells];
  const titlesOf = (heads) => new Set(heads.map((head) => head.textContent.trim()));
  const titles = titlesOf(tables.flatMap(headsOf));
  const later = titlesOf(all("th[data-later]"));
  for (const bar of all(".filter")) {
    const fold = document.createElement("details"), summary = document.createElement("summary");
    fold.className = "columns";
    fold.append(summary);
    const boxes = [];
    const count = () => {
      const shown = boxes.filter((box) => box.checked).length + 1;
      summary.textContent = `Columns: ${shown} of ${titles.size} shown`;
    };
    for (const title of [...titles].filter((title) => title !== "App")) {
      const label = document.createElement("label"), box = document.createElement("input");
      const choose = () => {
        for (const table of tables) {
          const at = headsOf(table).findIndex((head) => head.textContent.trim() === title);
          for (const row of at < 0 ? [] : table.rows) row.cells[at].hidden = !box.checked;
        }
      };
      box.type = "checkbox";
      box.checked = !later.has(title);
      boxes.push(box);
      label.append(box, ` ${title}`);
      fold.append(label, " ");
      box.addEventListener("change", () => { choose(); count(); });
      if (!box.checked) choose();
    }
    count();
    bar.append(fold);
  }

  // Set all apps of an answer beside another baseline.
  for (const choice of all(".choice select")) {
    choice.closest(".choice").hidden = false;
    choice.addEventListener("change", () => {
      const answer = choice.closest(".answer");
      for (const cell of all("td[data-ratios]", answer)) {
        cell.textContent = JSON.parse(cell.dataset.ratios)[choice.selectedIndex];
      }
      const baseline = all(".baseline", answer)[0];
      baseline.textContent = choice.value;
      const head = baseline.closest("th").textContent;
      for (const cell of all("td.ratio", answer)) cell.dataset.label = head;
    });
  }

  // A run over time: the figures at one moment, chosen by pointer or slider, are read from the
  // curves' own points: x in tenths of a second, y as the panel's scale says.
  const points = (path) => {
    const found = [];
    let x = 0, y = 0, isMove = false;
    const parts = path.getAttribute("d").match(/[Ml]|-?\d+/g) || [];
    for (let at = 0; at < parts.length; at++) {
      if (/[Ml]/.test(parts[at])) {
        isMove = parts[at] === "M";
        continue;
      }
      const [right, up] = [Number(parts[at]), Number(parts[++at])];
      [x, y] = isMove ? [right, up] : [x + right, y + up];
      if (isMove || right || up) found.push([x, y]);
    }
    return found;
  };
  const told = (y, scale) => {
    const figure = scale === "log" ? 10 ** (y / 1000) : y / Number(scale);
    return Number(figure.toPrecision(3)).toLocaleString("en");
  };
  const follow = (figure) => {
    const plots = all(".plot", figure), [left, , width] = plots[0].getAttribute("viewBox").split(" ").map(Number);
    const marks = plots.map((plot) => {
      const mark = document.createElementNS("http://www.w3.org/2000/svg", "path");
      mark.setAttribute("class", "mark");
      plot.firstElementChild.append(mark);
      return mark;
    });
    const curves = all(".plot[data-scale]", figure).flatMap((plot) => {
      const entries = all("span", plot.parentElement.previousElementSibling);
      return all("path:not(.grid, .mark)", plot).map((path, at) => {
        const output = document.createElement("output");
        entries[at].append(output);
        return { points: points(path), scale: plot.dataset.scale, output };
      });
    });
    const label = document.createElement("label"), slider = document.createElement("input");
    const moment = document.createElement("output");
    label.className = "cursor";
    slider.type = "range";
    [slider.min, slider.max, slider.step] = [left, left + width, 10];
    label.append("Figures at", slider, moment);
    figure.append(label);
    const show = () => {
      const x = Number(slider.value);
      moment.textContent = `${(x / 10).toFixed(1)} s`;
      marks.forEach((mark, at) => {
        const [, top, , height] = plots[at].getAttribute("viewBox").split(" ").map(Number);
        mark.setAttribute("d", `M${x} ${-top}v${-height}`);
      });
      for (const curve of curves) {
        const near = curve.points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a), [1e9, 0]);
        // Where a curve has a gap, there is no figure: its points lie at most some seconds apart.
        const each = Math.max(20, width / 50);
        curve.output.textContent = Math.abs(near[0] - x) > each ? "—" : told(near[1], curve.scale);
      }
    };
    slider.addEventListener("input", show);
    for (const plot of plots) {
      plot.addEventListener("pointermove", (event) => {
        const box = plot.getBoundingClientRect();
        slider.value = left + (width * (event.clientX - box.left)) / box.width;
        show();
      });
    }
  };
  for (const fold of all("details.run")) {
    fold.addEventListener("toggle", () => all(".timeline", fold).forEach(follow), { once: true });
  }
})();
