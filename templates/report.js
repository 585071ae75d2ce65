"use strict";
// Without this script the page shows every axis, browsers show the facts of a point as its title, and its link works.
(function () {
  function all(selector, action) { document.querySelectorAll(selector).forEach(action); }

  function show(axis) {
    all("[data-axis]", function (panel) { panel.hidden = panel.dataset.axis !== axis; });
  }
  document.getElementById("switch").hidden = document.querySelectorAll("[data-axis]").length === 1;
  all("input[name=axis]", function (input) {
    input.addEventListener("change", function () { show(input.value); });
    if (input.checked) { show(input.value); }
  });

  // reveal opens the details around the target of a link.
  function reveal(id) {
    var target = document.getElementById(id);
    if (!target) { return; }
    for (var box = target.closest("details"); box; box = box.parentElement.closest("details")) { box.open = true; }
    target.scrollIntoView();
  }
  all("a[href^='#']", function (link) {
    link.addEventListener("click", function () {
      var id = link.getAttribute("href").slice(1);
      setTimeout(function () { reveal(id); });
    });
  });
  if (location.hash) { reveal(location.hash.slice(1)); }

  // The facts of a point appear beside it at once, also on a touch and on the keyboard's focus.
  var tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  function place(point) {
    var figure = point.closest("figure"), narrow = 640 > figure.clientWidth;
    figure.insertBefore(tip, figure.querySelector(".hint"));
    tip.className = narrow ? "tip below" : "tip"; // on a narrow screen it would cover the point
    tip.textContent = point.getAttribute("aria-label");
    tip.hidden = false;
    if (narrow) { return; }
    var at = point.getBoundingClientRect(), frame = figure.getBoundingClientRect();
    var left = at.right - frame.left + 10;
    if (left + tip.offsetWidth > frame.width) { left = Math.max(0, at.left - frame.left - tip.offsetWidth - 10); }
    tip.style.left = left + "px";
    tip.style.top = Math.max(0, at.top - frame.top - tip.offsetHeight / 3) + "px";
  }
  function hide() { tip.hidden = true; }
  all("a.point", function (point) {
    var title = point.querySelector("title");
    point.setAttribute("aria-label", title.textContent);
    title.remove();
    point.addEventListener("pointerenter", function () { place(point); });
    point.addEventListener("focus", function () { place(point); });
    point.addEventListener("pointerleave", hide);
    point.addEventListener("blur", hide);
  });
}());
