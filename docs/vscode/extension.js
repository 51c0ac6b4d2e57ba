// Starts `rein lsp` and connects VS Code to it.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const settings = vscode.workspace.getConfiguration("rein");
  const server = { command: settings.get("path"), args: ["lsp", ...settings.get("args")] };
  client = new LanguageClient("rein", "rein", server, { documentSelector: [{ scheme: "file", language: "rein" }] });
  await client.start();
};

exports.deactivate = () => client && client.stop();
