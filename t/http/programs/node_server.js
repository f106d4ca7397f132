// node_server.js IDLE_MS PORT - what applications do with Node's http module and nothing else. Every IDLE_MS,
// unless that is 0, it ends the connections that are idle then.
"use strict";
const crypto = require("crypto");
const http = require("http");

const say = (text) => process.stdout.write(text + "\n");
const [idle, port] = process.argv.slice(2).map(Number);
let connections = 0;
let listener = null; // of the events

const paths = {
    "/plain": (request, response) => response.end("plain\n"),
    "/connections": (request, response) => response.end(String(connections)),

    // A stream of unknown length, each part written in a turn of its own.
    "/chunked": (request, response) => {
        let number = 0;
        const next = () => {
            if (number === 200) return response.end();
            response.write("part " + number++ + "\n");
            setImmediate(next);
        };
        next();
    },

    "/events": (request, response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache",
                                  "X-Accel-Buffering": "no" });
        response.write("data: welcome\n\n");
        response.on("close", () => say("listener left"));
        listener = response;
    },
    "/tell": (request, response) => {
        listener.write("data: " + request.headers["x-text"] + "\n\n");
        response.end();
    },

    "/hash": (request, response) => {
        const hash = crypto.createHash("sha256");
        request.pipe(hash).on("finish", () => response.end(hash.digest("hex")));
    },
    "/echo": (request, response) => {
        request.pipe(response);
    },
    // Answers when it has seen no more than the head, and reads on: a client that still sends is not cut off.
    "/too_large": (request, response) => {
        response.writeHead(413);
        response.end("too large\n");
        request.resume();
    },
    // As before, but has the connection closed, whatever the client still sends.
    "/too_large/close": (request, response) => {
        response.writeHead(413, { "Connection": "close" });
        response.end("too large\n", () => request.destroy());
    },

    "/cached": (request, response) => {
        response.setHeader("ETag", '"v1"');
        if (request.headers["if-none-match"] === '"v1"') response.writeHead(304).end();
        else response.end("cached\n");
    },
    "/trailers": (request, response) => {
        response.writeHead(200, { "Trailer": "X-Sum" });
        response.write("body\n");
        response.addTrailers({ "X-Sum": "5" });
        response.end();
    },
    "/cookies": (request, response) => {
        response.setHeader("Set-Cookie", ["a=1", "b=2"]);
        response.end(request.headers["cookie"] || "none");
    },
};

const server = http.createServer((request, response) => paths[request.url.split("?")[0]](request, response));
if (idle) setInterval(() => server.closeIdleConnections(), idle);  // its own timeout is a second at least
server.on("connection", () => ++connections);
server.listen(port, "127.0.0.1", 512, () => say("ready"));
