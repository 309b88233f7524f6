package interop_test

import (
	"encoding/json"
	"testing"
)

// nodeClient is the program client.mjs of a folder, in a process of its own. It
// handles one command at a time.
type nodeClient struct {
	process *childProcess
	in      *json.Encoder
	out     *json.Decoder
}

func newNodeClient(folder string) (*nodeClient, error) {
	process, err := launchNode(folder, "client.mjs")
	if err != nil {
		return nil, err
	}
	return &nodeClient{process, json.NewEncoder(process.stdin), json.NewDecoder(process.stdout)}, nil
}

// does makes the client execute a command and decodes its result.
func (c *nodeClient) does(t *testing.T, command, result any) {
	t.Helper()
	answer := struct {
		Result any    `json:"result"`
		Error  string `json:"error"`
	}{Result: result}
	if err := c.in.Encode(command); err != nil {
		t.Fatal(err)
	}
	if err := c.out.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Error != "" {
		t.Fatalf("%+v: the client reports: %s", command, answer.Error)
	}
}

// fails makes the client execute a command that fails, and returns its error.
func (c *nodeClient) fails(t *testing.T, command any) string {
	t.Helper()
	var answer struct {
		Error string `json:"error"`
	}
	if err := c.in.Encode(command); err != nil {
		t.Fatal(err)
	}
	if err := c.out.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Error == "" {
		t.Fatalf("%+v: the client reports no error", command)
	}
	return answer.Error
}
