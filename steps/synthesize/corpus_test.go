package synthesize

import (
	"testing"
	"fmt"
	"time"
	"rein/steps/stepstest"
)

func TestX(t *testing.T) {
	env := stepstest.New(t, "train", "validation", "pool", "test", "unseen")
	c := Config{Seed:1,Scale:1,TrainBenign:35634,TrainMalicious:31682,Validation:12000,Pool:100000,TestBenign:100000,TestMalicious:10000,UnseenBenign:8000,UnseenMalicious:4000,TrainLookalikes:.015,PoolLookalikes:.06}
	s:=time.Now()
	out,err:=run(t.Context(),env.Env,c,In{})
	if err!=nil {t.Fatal(err)}
	fmt.Println(time.Since(s), env.Notes)
	rows,_:=out.Pool.Read(); for _,r:=range rows[:14]{fmt.Printf("%s | %s | %s\n",r.Label,r.Category,r.Text)}
	rows,_=out.Train.Read(); n:=0; for _,r:=range rows{ if r.Label=="malicious" && n<14 {n++;fmt.Printf("%s | %s | %s\n",r.Label,r.Category,r.Text)}}
	rows,_=out.Unseen.Read();  for _,r:=range rows[:8]{fmt.Printf("%s | %s | %s\n",r.Label,r.Category,r.Text)}
}
