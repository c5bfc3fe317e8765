package main

import (
	"errors"
	"fmt"

	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/keys"
	"github.com/spf13/cobra"
)

func (a *app) backupCmd() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "backup FILE", Short: "Write an encrypted copy of the node key", Args: exactly("FILE"),
		Long: `Write an encrypted copy of the node key to a new file. Without this program it
opens with: jq -r .secret FILE | age -d

The key alone is enough: artel recover brings back the rest.`,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.paths()
			if err != nil {
				return err
			}
			was, err := keys.Read(p.Key())
			if err != nil {
				return err
			}
			pass := passphrases{a, file}
			ask := pass.ask
			if was.Protection == keys.FileMode {
				ask = pass.choose
			}
			in, err := keys.Backup(p.Key(), args[0], ask)
			if err != nil {
				return hintKey(err)
			}
			return a.print(in, func() { fmt.Fprintf(a.out, "key of %s is in %s\n", in.Address, args[0]) })
		},
	}
	c.Flags().StringVar(&file, "passphrase-file", "", "file with the passphrase in its first line (default $ARTEL_PASSPHRASE_FILE, else a question)")
	return c
}

func (a *app) restoreCmd() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "restore FILE", Short: "Bring the node key back from a backup", Args: exactly("FILE"),
		Long: `Bring the node key back into a data directory that has none. A key that is
there is never overwritten.`,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.paths()
			if err != nil {
				return err
			}
			d, err := datadir.Open(p.Root())
			if err != nil {
				return err
			}
			defer d.Close()
			in, err := keys.Restore(args[0], p.Key(), passphrases{a, file}.ask)
			if err != nil {
				return hintKey(err)
			}
			a.say("hint: if the database was lost too, artel up and then artel recover")
			return a.print(in, func() { fmt.Fprintf(a.out, "key of %s is in %s\n", in.Address, p.Key()) })
		},
	}
	c.Flags().StringVar(&file, "passphrase-file", "", "file with the passphrase in its first line (default $ARTEL_PASSPHRASE_FILE, else a question)")
	return c
}

func hintKey(err error) error {
	if errors.Is(err, keys.ErrPassphrase) {
		return fmt.Errorf("%w; hint: passphrases differ in case and spaces; there is no way around a lost one", err)
	}
	return err
}
