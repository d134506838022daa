// Sets the chosen theme before anything is drawn, so that the page does not flash in the other one.
// 'auto' (no attribute) follows the system.
try {
  const theme = localStorage.getItem('ringmq-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden: the system decides.
}
