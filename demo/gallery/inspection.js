// What inspection.py asks of a page, put there before its own scripts run.
window.inspection = {
  /** The innermost elements that reach beyond the right edge, or null where nothing scrolls sideways. */
  tooWide() {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return null;
    const all = [...document.body.querySelectorAll("*")];
    const wide = all.filter((node) => {
      const { left, right } = node.getBoundingClientRect();
      return Math.max(right, left + node.scrollWidth) > clientWidth + 1;
    });
    const words = wide.slice(-3).map((node) => `<${node.localName} class="${node.getAttribute("class") ?? ""}">`);
    return words.join(", ") || "nothing that can be named";
  },

  /** Violations as axe-core finds them by these of its rules, or by all but one on sound (what `preload` is for). */
  async findings(rules) {
    const chosen = rules.length ? { runOnly: rules } : {};
    const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false, ...chosen });
    const why = (node) => (node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? "";
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map((node) => ({ html: node.html.slice(0, 160), why: why(node) })),
    }));
  },

  /** Once what moved has arrived: a colour that is half way to another one is nobody's. */
  async atRest() {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    await frame();
    for (const animation of document.getAnimations()) {
      if (animation.effect.getTiming().iterations !== Infinity) animation.finish();
    }
  },
};
