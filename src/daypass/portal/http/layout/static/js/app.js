// What every page gets. Each module improves what the server wrote, and none is needed to read it.
import "./copy.js";
import "./menu.js";
import "./pane.js";
import "./tabs.js";
import "./countdown.js";
import "./preferences.js";
import "./search.js";
import "./finder.js";
import "./form.js";
import "./reveal.js";
import "./issue.js";
