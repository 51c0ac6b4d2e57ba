package dataset

import (
	"slices"
	"strings"

	"rein/steps/artifact"
)

// turns is what the reader takes from a conversation.
type turns struct {
	text          string
	role, channel string // of the last turn that was taken; "" if the conversation doesn't say
}

// roleNames maps the names that data sets use to roles.
var roleNames = map[string]string{
	"user": artifact.RoleUser, "human": artifact.RoleUser, "prompter": artifact.RoleUser, "customer": artifact.RoleUser,
	"system": artifact.RoleSystem, "developer": artifact.RoleSystem,
	"tool": artifact.RoleTool, "function": artifact.RoleTool, "ipython": artifact.RoleTool, "observation": artifact.RoleTool,
	"tool_result": artifact.RoleTool, "tool_response": artifact.RoleTool, "function_response": artifact.RoleTool,
	"document": artifact.RoleDocument, "documents": artifact.RoleDocument, "context": artifact.RoleDocument, "retrieval": artifact.RoleDocument, "passage": artifact.RoleDocument,
	"assistant": artifact.RoleAssistant, "gpt": artifact.RoleAssistant, "model": artifact.RoleAssistant, "bot": artifact.RoleAssistant, "ai": artifact.RoleAssistant, "chatbot": artifact.RoleAssistant,
}

// roleOf returns the role that a data set's name for it means.
func roleOf(name string) (role string, known bool) {
	role, known = roleNames[plain(strings.TrimSpace(name))]
	return role, known
}

// turnsOf reads a conversation, which is a list of texts, or of objects with a role and a content. It takes the turns of the wanted roles.
// If wanted is empty, it takes the turns of the user and those without a role. If there are none, it takes those of tools and documents,
// and without these those of the system.
func turnsOf(list []any, wanted []string) turns {
	if len(wanted) > 0 {
		return turnsWith(list, wanted)
	}
	for _, roles := range [][]string{{"", artifact.RoleUser}, {artifact.RoleTool, artifact.RoleDocument}, {artifact.RoleSystem}} {
		if t := turnsWith(list, roles); t.text != "" {
			return t
		}
	}
	return turns{}
}

// unzipped turns an object of lists, one for each field, into a list of turns. The datasets library stores sequences in this form: {"role":
// ["user", "assistant"], "content": ["a", "b"]}. It returns nil if m has another form.
func unzipped(m map[string]any) []any {
	n := -1
	for _, v := range m {
		list, ok := v.([]any)
		if !ok || n >= 0 && len(list) != n {
			return nil
		}
		n = len(list)
	}
	var out []any
	for i := range max(n, 0) {
		turn := map[string]any{}
		for field, v := range m {
			turn[field] = v.([]any)[i]
		}
		if first(turn, "role", "from", "speaker") == "" {
			return nil
		}
		out = append(out, turn)
	}
	return out
}

func turnsWith(list []any, roles []string) turns {
	var out turns
	var texts []string
	for _, e := range list {
		t, ok := e.(map[string]any)
		if !ok {
			if s, ok := e.(string); ok && slices.Contains(roles, "") {
				texts = append(texts, s)
			}
			continue
		}
		said := first(t, "role", "from", "speaker")
		role, known := roleOf(said)
		if said != "" && !known || !slices.Contains(roles, role) {
			continue
		}
		texts = append(texts, content(t))
		if out.role, out.channel = role, first(t, "channel"); role == artifact.RoleTool || role == artifact.RoleDocument {
			out.channel = first(t, "channel", "name", "tool_name")
		}
	}
	out.text = strings.TrimSpace(strings.Join(texts, "\n"))
	return out
}

// content returns a turn's text. The content may be a string, or a list of parts of which some are text.
func content(turn map[string]any) string {
	if s := first(turn, "content", "value", "text"); s != "" {
		return s
	}
	parts, _ := turn["content"].([]any)
	var out []string
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p)
		case map[string]any:
			if s := first(p, "text", "content"); s != "" {
				out = append(out, s)
			}
		}
	}
	return strings.Join(out, "\n")
}

// first returns the first of the named fields that holds a text.
func first(m map[string]any, names ...string) string {
	for _, n := range names {
		if s, ok := m[n].(string); ok && s != "" {
			return s
		}
	}
	return ""
}
