package engine
import ("testing";"time";"strings";"github.com/twmb/franz-go/pkg/kfake";"github.com/twmb/franz-go/pkg/kmsg";"github.com/riskstream/riskstream/internal/publish";"github.com/twmb/franz-go/pkg/kgo")
func TestZZSpin(t *testing.T){
	may := func(resource kmsg.ACLResourceType, name string) kfake.ACL {
		return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: kmsg.ACLOperationAll, Allow: true}
	}
	mayNot := may(kmsg.ACLResourceTypeTopic, "idp.")
	mayNot.Operation, mayNot.Allow = kmsg.ACLOperationRead, false
	w, _ := faulty(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "p"),
		kfake.User("PLAIN", "riskstream", "p", may(kmsg.ACLResourceTypeTopic, "risk."), may(kmsg.ACLResourceTypeTopic, "idp."),
			may(kmsg.ACLResourceTypeGroup, "riskstream"), may(kmsg.ACLResourceTypeCluster, "kafka-cluster"), mayNot))
	w.cfg.Kafka.SASL = publish.SASLConfig{Mechanism: publish.MechanismPlain, Username: "riskstream", Password: "p"}
	e:=w.start()
	time.Sleep(5*time.Second)
	for l:=range strings.Lines(e.scrape()) { if strings.Contains(l,"read_errors") {t.Log(l)} }
	e.stop(t)
}
func TestZZRecreate(t *testing.T){
	w,_:=faulty(t)
	w.produce(2000)
	e:=w.start()
	w.waitScored(e)
	b:=time.Now()
	w.admin.DeleteTopics(w.ctx,"idp.okta")
	time.Sleep(time.Second)
	forever:="-1"
	w.admin.CreateTopic(w.ctx,3,1,map[string]*string{"retention.ms":&forever},"idp.okta")
	c,_:=kgo.NewClient(kgo.SeedBrokers(w.addr))
	defer c.Close()
	before:=ends(w.ctx,w.admin,"risk.events","risk.deadletter")
	if err:=c.ProduceSync(w.ctx,&kgo.Record{Topic:"idp.okta",Partition:0,Value:[]byte("{}")}).FirstErr();err!=nil{t.Fatal(err)}
	w.wait("new topic read",func()bool{return time.Since(b)>60*time.Second || ends(w.ctx,w.admin,"risk.events","risk.deadletter")>before})
	t.Log(time.Since(b), ends(w.ctx,w.admin,"risk.events","risk.deadletter")-before)
	e.stop(t)
}
