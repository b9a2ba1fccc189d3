// Search without a server: browsers start no worker from a page that was opened as a file, so the worker's
// script runs in a hidden frame instead. It knows what the site's search uses: messages, and no more.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = []; // messages until the script is there
      const frame = document.createElement("iframe");
      frame.hidden = true;
      const start = () => {
        document.body.append(frame);
        this.inner = frame.contentWindow;
        this.inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        const script = frame.contentDocument.createElement("script");
        script.onload = () => {
          const waiting = this.waiting;
          this.waiting = null;
          waiting.forEach((data) => this.postMessage(data));
        };
        script.src = new URL(url, location.href);
        frame.contentDocument.head.append(script);
      };
      if (document.body) start();
      else document.addEventListener("DOMContentLoaded", start);
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.inner.dispatchEvent(new this.inner.MessageEvent("message", { data }));
    }
  };
}
