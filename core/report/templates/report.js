for (const place of document.querySelectorAll("figure[data-figure]")) {
  const plot = place.querySelector(".plot");
  const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
  const options = { displaylogo: false, responsive: true, toImageButtonOptions: { format: "svg", filename: place.id } };
  figure.layout.font = { color: "#4a4656" }; // dark enough for a white page
  plot.style.height = `${figure.layout.height || 400}px`;
  place.classList.add("live");
  Plotly.newPlot(plot, figure.data, figure.layout, options).catch(() => place.classList.remove("live"));
}
