// Texts in the reader's language. Django's catalogue comes before the modules where the page is not English (base.html);
// without it a text stands for itself.

const catalogue = window.django;

const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

/** `text` with each %(name)s filled from `values`. */
export const gettext = (text, values = {}) => filled(catalogue?.gettext(text) ?? text, values);

export const ngettext = (one, many, count, values = {}) =>
  filled(catalogue?.ngettext(one, many, count) ?? (count === 1 ? one : many), values);
