package main

import (
	"context"
	"log"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// serveDNS serves the addresses of SERVICE.NAMESPACE.svc.cluster.local, and no other name.
func (o *operator) serveDNS(address string) {
	var known atomic.Pointer[map[string]net.IP]
	known.Store(&map[string]net.IP{})
	go func() {
		for ; ; time.Sleep(period) {
			if now, err := o.addresses(); err == nil {
				known.Store(&now)
			}
		}
	}()
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		log.Fatal(err)
	}
	question := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFrom(question)
		if err != nil {
			continue
		}
		if reply := reply(question[:n], *known.Load()); reply != nil {
			_, _ = socket.WriteTo(reply, from) // the client repeats its question
		}
	}
}

// addresses are the cluster addresses of all Services, by name.
func (o *operator) addresses() (map[string]net.IP, error) {
	services, err := o.client.Resource(core("services")).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	now := map[string]net.IP{}
	for i := range services.Items {
		s := &services.Items[i]
		text, _, _ := unstructured.NestedString(s.Object, "spec", "clusterIP")
		if ip := net.ParseIP(text).To4(); ip != nil {
			now[s.GetName()+"."+s.GetNamespace()+".svc.cluster.local."] = ip
		}
	}
	return now, nil
}

// reply is the message for a question; nil = none.
func reply(question []byte, known map[string]net.IP) []byte {
	var q dnsmessage.Message
	if q.Unpack(question) != nil || len(q.Questions) != 1 {
		return nil
	}
	r := dnsmessage.Message{Questions: q.Questions, Header: dnsmessage.Header{ID: q.ID, Response: true,
		Authoritative: true, RecursionDesired: q.RecursionDesired, RecursionAvailable: true}}
	ip, is := known[strings.ToLower(q.Questions[0].Name.String())]
	switch {
	case !is:
		r.RCode = dnsmessage.RCodeNameError
	case q.Questions[0].Type == dnsmessage.TypeA:
		r.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Type: dnsmessage.TypeA,
				Class: dnsmessage.ClassINET, TTL: 1},
			Body: &dnsmessage.AResource{A: [4]byte(ip)}}}
	}
	packed, err := r.Pack()
	if err != nil {
		return nil
	}
	return packed
}
