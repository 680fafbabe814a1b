// Clients print links such as /#/experiments/1/runs/abc, and a server never sees what is behind the #.
const root = new URL("..", document.currentScript.src).pathname.replace(/\/$/, "");

function follow() {
  const [kind, id, below, run] = location.hash.replace(/^#\//, "").split(/[/?]/);
  if (kind !== "experiments" || !/^\d+$/.test(id)) return;
  const isRun = below === "runs" && /^[0-9a-f]{32}$/.test(run);
  location.replace(root + (isRun ? `/runs/${run}` : `/experiments/${id}`));
}

addEventListener("hashchange", follow);
follow();
