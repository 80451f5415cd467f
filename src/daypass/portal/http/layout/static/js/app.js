// The entry point of all pages. Each module enhances the HTML from the server; pages are readable without any.
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
import "./passkey.js";
import "./recovery.js";
