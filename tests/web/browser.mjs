// A browser without a screen, driven through its debugging pipe: pages, key presses, touches, screenshots.
import { spawn } from "node:child_process";
import fs from "node:fs";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe",
];
const KEYS = { " ": ["Space", 32], ArrowUp: ["ArrowUp", 38], ArrowRight: ["ArrowRight", 39], ArrowLeft: ["ArrowLeft", 37], Enter: ["Enter", 13] };

export class Browser {
  constructor(program, profile) {
    this.process = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    Object.assign(this, { waiting: new Map(), pages: new Map(), count: 0, text: "" });
    this.process.stdio[4].on("data", (part) => this.hear(part.toString()));
  }

  hear(part) {
    const messages = (this.text + part).split("\0");
    this.text = messages.pop();
    for (const message of messages.map((one) => JSON.parse(one))) {
      const { id, sessionId, error, result } = message;
      if (id) {
        const [done, failed] = this.waiting.get(id);
        this.waiting.delete(id);
        if (error) failed(new Error(error.message));
        else done(result);
      } else this.pages.get(sessionId)?.event(message);
    }
  }

  send(method, params = {}, sessionId = undefined) {
    this.count += 1;
    this.process.stdio[3].write(`${JSON.stringify({ id: this.count, method, params, sessionId })}\0`);
    return new Promise((done, failed) => this.waiting.set(this.count, [done, failed]));
  }

  /** A new page, with a screen of its own and no memory of others. */
  async page({ width, height, touch = false, sharp = 1 }) {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId, width, height });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId);
    this.pages.set(sessionId, page);
    for (const domain of ["Page", "Runtime", "Log"]) await page.send(`${domain}.enable`);
    await page.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: sharp, mobile: touch });
    if (touch) await page.send("Emulation.setTouchEmulationEnabled", { enabled: true });
    return page;
  }

  close() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.send("Browser.close").catch(() => {});
    return ended;
  }
}

class Page {
  constructor(browser, session) {
    Object.assign(this, { browser, session, said: [] });
  }

  send(method, params = {}) {
    return this.browser.send(method, params, this.session);
  }

  /** Whatever the page complains of is kept. */
  event({ method, params }) {
    if (method === "Runtime.exceptionThrown") this.said.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled") this.said.push(params.args.map((one) => one.value ?? one.description).join(" "));
    if (method === "Log.entryAdded") this.said.push(params.entry.text);
  }

  async open(url) {
    await this.send("Page.navigate", { url: "about:blank" }); // so that another fragment is another page
    await this.send("Page.navigate", { url });
    await this.until("window.springdrift !== undefined");
    return this.value("window.springdrift.then((it) => { window.game = it.game; return it.ready; })");
  }

  /** What an expression is, once it is known. */
  async value(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  }

  async until(expression, seconds = 60) {
    for (let left = seconds * 50; left > 0; left -= 1) {
      if (await this.value(expression)) return;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`it did not come to be: ${expression}`);
  }

  async press(key) {
    const [code, number] = KEYS[key] ?? [`Key${key.toUpperCase()}`, key.toUpperCase().charCodeAt(0)];
    const text = key.length === 1 ? key : key === "Enter" ? "\r" : undefined;
    const params = { key, code, windowsVirtualKeyCode: number };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", text, ...params });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...params });
  }

  /** A finger on the middle of an element, which must be on the screen, with nothing over it. */
  async tap(selector) {
    const [x, y, hit] = await this.value(`(() => {
      const found = document.querySelector(${JSON.stringify(selector)});
      found.scrollIntoView({ block: "nearest", inline: "nearest" });
      const box = found.getBoundingClientRect();
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      return [x, y, found.contains(document.elementFromPoint(x, y))];
    })()`);
    if (!hit) throw new Error(`${selector} cannot be touched at ${x}, ${y}`);
    await this.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x, y }] });
    await this.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  }

  async picture(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    fs.writeFileSync(file, Buffer.from(data, "base64"));
  }

  /** Let the tab sleep, as the system does with one that nobody looks at; what `expression` is before and after. */
  async sleep(expression) {
    await this.send("Page.setWebLifecycleState", { state: "frozen" });
    const before = await this.value(expression);
    await new Promise((done) => setTimeout(done, 500));
    await this.send("Page.setWebLifecycleState", { state: "active" });
    const after = await this.value(expression);
    await this.send("Emulation.setFocusEmulationEnabled", { enabled: true }); // somebody looks again
    return [before, after];
  }
}
