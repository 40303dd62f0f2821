package simulate

import "fmt"

// Directory is the company's directory file, for the configuration key of that
// name: it joins the ids that providers use without a name to their people,
// and names the offices' networks and the service accounts.
func (c *Company) Directory() []byte {
	b := []byte("users:\n")
	for i := range c.people {
		p := &c.people[i]
		b = fmt.Appendf(b, "  - {name: %s, kind: human, aliases: [%q, %q, %q]}\n", p.email, "okta:"+p.okta, "entra:"+p.entra, "keycloak:"+p.keycloak)
	}
	for i := range c.services {
		s := &c.services[i]
		b = fmt.Appendf(b, "  - {name: %s@%s, kind: service, aliases: [%q]}\n", s.name, domain, s.provider()+":"+s.id)
	}
	b = append(b, "networks:\n"...)
	for _, office := range offices {
		b = fmt.Appendf(b, "  - {cidr: %s, corporate: true, name: %s office}\n", office.prefix, office.city)
	}
	return b
}

// provider is the format whose events name the service.
func (s *service) provider() string {
	if s.do == keycloakService {
		return "keycloak"
	}
	return "entra"
}
