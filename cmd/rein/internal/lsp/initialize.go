package lsp

import "github.com/sourcegraph/jsonrpc2"

func (s *server) initialize(r *jsonrpc2.Request) (any, error) {
	p, err := params[initializeParams](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateNew {
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: "initialize came twice"}
	}
	root := p.RootURI
	if len(p.WorkspaceFolders) > 0 {
		root = p.WorkspaceFolders[0].URI
	}
	s.state, s.client = stateReady, p.Capabilities
	s.files.setRoot(root)
	var out initializeResult
	out.ServerInfo.Name, out.ServerInfo.Version = "rein", s.config.Version
	out.Capabilities = capabilities()
	return out, nil
}

func capabilities() serverCapabilities {
	c := serverCapabilities{
		PositionEncoding:   "utf-16",
		TextDocumentSync:   textDocumentSync{OpenClose: true, Change: 2, Save: true},
		CompletionProvider: map[string]any{"triggerCharacters": []string{".", "\"", "/", "["}},
		HoverProvider:      true,

		DefinitionProvider:         true,
		ReferencesProvider:         true,
		DocumentHighlightProvider:  true,
		RenameProvider:             map[string]any{"prepareProvider": true},
		DocumentSymbolProvider:     true,
		WorkspaceSymbolProvider:    true,
		DocumentFormattingProvider: true,
		FoldingRangeProvider:       true,
		SemanticTokensProvider:     semanticTokensProvider{Full: true},
		CodeActionProvider:         map[string]any{"codeActionKinds": []string{"quickfix"}},
		CodeLensProvider:           map[string]any{},
	}
	c.SemanticTokensProvider.Legend.TokenTypes, c.SemanticTokensProvider.Legend.TokenModifiers = tokenTypes, tokenModifiers
	return c
}
