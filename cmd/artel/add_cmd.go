package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) addCmd() *cobra.Command {
	image := false
	c := &cobra.Command{
		Use: "add PATH", Short: "Bring a program, an input or an image to this machine", Args: exactly("PATH"),
		Long: `Bring a program, an input or (--image) a container image to this machine, where
jobs find it. artel run does so by itself. A job that came from a lost machine with
artel recover may lack what was there alone: what has the same content has the same
name, and the job goes on with it.

A file is added as a program, and as the input that holds this file alone.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			path, err := filepath.Abs(args[0])
			if err != nil {
				return fmt.Errorf("add %s: %w", args[0], err)
			}
			fi, err := os.Stat(path)
			if err != nil {
				return fmt.Errorf("add: %w", err)
			}
			var added struct {
				Image   *artel.Hash `json:"image,omitempty"`
				Input   *artel.Ref  `json:"input,omitempty"`
				Program *artel.Ref  `json:"program,omitempty"`
			}
			if image {
				img, err := c.Image(ctx, api.ImageRequest{Path: path})
				if err != nil {
					return err
				}
				added.Image = &img.Digest
			} else {
				in, err := a.addInput(ctx, c, path)
				if err != nil {
					return err
				}
				if added.Input = &in; !fi.IsDir() {
					program, err := a.add(ctx, c, "program", path)
					if err != nil {
						return err
					}
					added.Program = &program
				}
			}
			return a.print(added, func() {
				switch {
				case added.Image != nil:
					fmt.Fprintf(a.out, "image %s\n", added.Image)
				default:
					fmt.Fprintf(a.out, "input %s\n", added.Input)
				}
				if added.Program != nil {
					fmt.Fprintf(a.out, "program %s\n", added.Program)
				}
			})
		},
	}
	c.Flags().BoolVar(&image, "image", false, "PATH is a container image: an OCI layout or an archive of one")
	return c
}
