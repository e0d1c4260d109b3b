// Every text that can be seen and has less contrast than WCAG 2.2 asks for (1.4.3: 4.5, large text 3).
() => {
  const numbers = (text) => text.match(/[\d.]+/g).map(Number);
  const parsed = (text) => {
    const [r, g, b, a = 1] = numbers(text.replace("srgb", ""));
    return text.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (top, below, part = top[3]) => [0, 1, 2].map((i) => top[i] * part + below[i] * (1 - part)).concat(1);
  const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const above = (node) => (node ? [node, ...above(node.parentElement)] : []);
  const behind = (node) => above(node).map((each) => parsed(getComputedStyle(each).backgroundColor)).reverse()
    .reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  const opacity = (node) => above(node).reduce((whole, each) => whole * Number(getComputedStyle(each).opacity), 1);
  const contrast = (node) => {
    const back = behind(node);
    const text = over(parsed(getComputedStyle(node).color), back);
    const [light, dark] = [luminance(over(text, back, opacity(node))), luminance(back)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const large = (node) => {
    const { fontSize, fontWeight } = getComputedStyle(node);
    return parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700);
  };
  const speaks = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
  const seen = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !node.closest(".unseen, .skip, :disabled");
  return [...document.querySelectorAll("body *")].filter((node) => speaks(node) && seen(node))
    .filter((node) => contrast(node) < (large(node) ? 3 : 4.5))
    .map((node) => `${contrast(node).toFixed(2)}: ${node.className} ${node.textContent.slice(0, 40)}`);
}
